"""`uticket rivals`."""

from pathlib import Path

import pytest

import uticket as ut
from tests.cli.helpers import fails, printed, run
from tests.cli.test_hardware import LAYERS, MASKS, SPIKES
from uticket.config.paths import TicketFiles
from uticket.config.tables import RIVALS


@pytest.fixture
def folder(tmp_path) -> Path:
    ut.Ticket(LAYERS, MASKS, None, 3, SPIKES).write(tmp_path / "ticket")
    return tmp_path / "ticket"


def test_json_has_layers_network_ratios_and_what_rivals_are(folder):
    result = run("rivals", folder, "--pes", 2, "--fifo-depth", 1)
    assert (result["pes"], result["broadcast"]["fifo_depth"], result["timesteps"], result["images"]) == (2, 1, 3, 2)
    expected = ut.compare_rivals(ut.Ticket.read(folder), ut.Array(pes=2), ut.Broadcast(fifo_depth=1))
    for record, cycles in zip(
        [*result["layers"], result["network"]], [*expected.layers, expected.network], strict=True
    ):
        assert (record["name"], record["events"], record["analytic"]) == (cycles.name, cycles.events, cycles.analytic)
        assert record["rivals"] == cycles.rivals
        assert record["ratio_to_events"] == cycles.ratios()
        assert record["ratio_to_analytic"] == cycles.ratios("analytic")
    assert result["rivals"]["loas"]["skips"] == ["neurons", "weights"]
    assert set(result["rivals"]) == set(RIVALS)
    assert all(rival["source"] and rival["leaves_out"] for rival in result["rivals"].values())


def test_text_has_the_cycles_the_rivals_and_what_they_leave_out(folder):
    by_layer, left, by_rival, omitted = (block.splitlines() for block in printed("rivals", folder).split("\n\n"))
    assert left == ["left out: reads the image: conv1; 33.3 % of the weights"]
    assert by_layer[0].split() == ["name", "events", "analytic", *RIVALS]
    assert [line.split()[0] for line in by_layer[2:]] == ["conv2", "conv3", "network"]
    assert [line.split("  ")[0] for line in by_rival[2:]] == [rival.title for rival in RIVALS.values()]
    assert [line.partition(" leaves out: ")[0] for line in omitted] == [rival.title for rival in RIVALS.values()]


def test_wrong_input_is_reported_in_one_line(folder, tmp_path):
    assert (
        fails("rivals", tmp_path / "absent") == f"Error: {tmp_path}/absent: expected the folder of a ticket, got none\n"
    )
    assert "--pes: expected greater than or equal to 1, got '0'" in fails("rivals", folder, "--pes", 0)
    TicketFiles(folder).spikes.unlink()
    expected = f"Error: {TicketFiles(folder).spikes}: expected the spikes of the ticket, got no file\n"
    assert fails("rivals", folder) == expected
