"""What the stage `simulate` reads of a ticket."""

import numpy as np
import pytest
from uticket.hardware.held import HeldTicket

from stages.simulate import read_sparsity
from tests.test_cycles import LAYER
from uticket.base.errors import InputError
from uticket.config.paths import TicketFiles
from uticket.hardware.events import read_spikes
from uticket.ticket.layer import write_layers
from uticket.ticket.spikes import save_spikes


@pytest.fixture
def ticket(tmp_path) -> HeldTicket:
    files = TicketFiles(tmp_path)
    write_layers(files.layers, [LAYER], timesteps=2)
    return HeldTicket(files)


def test_sparsity_is_read_by_layer(ticket):
    ticket.files.activity.write_text("layer,spike_sparsity\nconv2,0.25\nfc,1\n")
    assert read_sparsity(ticket)["conv2"] == 0.25


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("layer,spike_sparsity\nconv2,5.0\n", r"expected a spike_sparsity in \[0, 1\] of the layer 'conv2', came 5.0"),
        ("layer,spike_sparsity\nconv2,\n", r"expected a spike_sparsity in \[0, 1\] of the layer 'conv2', came nan"),
        ("layer,spike_sparsity\nfc,0.5\n", r"expected a spike_sparsity in \[0, 1\] of the layer 'conv2', came none"),
        (
            "layer,spike_sparsity\nconv2,much\n",
            "expected the columns layer and spike_sparsity, came: could not",
        ),
        ("layer,silent_share\nconv2,0.5\n", "expected the columns layer and spike_sparsity, came: 'spike_sparsity'"),
        ("", "expected a table, came: No columns"),
    ],
)
def test_activity_that_tells_no_sparsity_is_named(ticket, text, told):
    ticket.files.activity.write_text(text)
    with pytest.raises(InputError, match=f"activity.csv: {told}") as error:
        read_sparsity(ticket)
    assert "\n" not in error.value.message


def test_spikes_that_do_not_fit_name_the_file(ticket):
    save_spikes(ticket.files.spikes, {"conv2": np.ones((1, 2, 2, 4, 4), bool)})
    with pytest.raises(InputError, match=r"activity.npz: layer 'conv2': expected spikes of shape \(images, 2, 2, 4"):
        read_spikes(ticket.files.spikes, ticket.layers, ticket.timesteps)
