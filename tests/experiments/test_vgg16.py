from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import uticket as ut
from benchmarks.vgg16 import vgg16
from experiments.vgg16 import SETTINGS, SIDE, draw_masks, enlarged, erk, params_of
from experiments.vgg16_costs import (
    METHODS,
    RESULTS,
    SPARSITY,
    about,
    balanced,
    bandwidths,
    dataflows,
    energies,
    latencies,
)
from uticket.base.files import write_json, write_rows
from uticket.config.params import Params
from uticket.config.paths import TicketFiles
from uticket.data.prepared import ImageSet, Prepared
from uticket.hardware.chip import Chip
from uticket.ticket.layer import Layer
from uticket.ticket.ticket import Ticket


@pytest.fixture
def network() -> Ticket:
    """Two convolutions of 16 filters and the spikes of one image."""
    rng = np.random.default_rng(0)
    layers = [
        Layer(
            name=name, kind="conv", filters=16, channels=16, kernel=(3, 3), stride=(1, 1), padding=(1, 1),
            input_size=(4, 4), output_size=(4, 4),
        )
        for name in ("a", "b")
    ]  # fmt: skip
    spikes = {layer.name: rng.random((1, 2, 16, 4, 4)) < 0.3 for layer in layers}
    masks = {layer.name: np.ones(layer.weight_shape, dtype=bool) for layer in layers}
    return Ticket(tuple(layers), masks, timesteps=2, spikes=spikes, spike_sparsity={"a": 0.7, "b": 0.7})


def test_the_masks_have_the_sparsity_and_the_utilization_of_the_paper():
    ticket = vgg16()
    drawn = replace(ticket, mask=draw_masks(ticket, SPARSITY, seed=0))
    kept = sum(int(drawn.mask[layer.name].sum()) for layer in drawn.on_pes)
    assert kept == round((1 - SPARSITY) * sum(layer.num_weights for layer in drawn.on_pes))
    assert ut.audit(drawn).utilization == pytest.approx(0.59, abs=0.01)


def test_masks_depend_on_the_seed_and_small_layers_are_denser():
    ticket = vgg16()
    one, same, other = (draw_masks(ticket, SPARSITY, seed) for seed in (0, 0, 1))
    assert all((one[name] == same[name]).all() for name in one)
    assert any((one[name] != other[name]).any() for name in one)
    density = [one[layer.name].mean() for layer in ticket.on_pes]
    assert density == pytest.approx([density[-1] * erk(n) / erk(ticket.on_pes[-1]) for n in ticket.on_pes], rel=0.15)


def test_layers_beside_the_pes_keep_their_masks(network):
    fewer = replace(network, runs=frozenset(["b"]))
    drawn = draw_masks(fewer, 0.9, seed=0)
    assert drawn["a"].all()
    assert drawn["b"].sum() == round(0.1 * drawn["b"].size)


def test_images_are_enlarged(params: Params):
    images = np.zeros((2, 1, 8, 8), dtype=np.uint8)
    images[1, 0, :4] = 200
    prepared = Prepared("digits", ("a", "b"), *[ImageSet(images, np.arange(2))] * 2)
    large = enlarged(prepared).train.images
    assert large.shape == (2, 1, SIDE, SIDE)
    assert not large[0].any()
    assert (large[1, 0, :14] == 200).all()
    assert not large[1, 0, 18:].any()
    assert params_of(params, seed=3).model.name == SETTINGS["model"]["name"]
    assert params_of(params, seed=3).seed == 3


def test_rows_are_those_of_the_committed_files(network, tmp_path):
    tickets = balanced(network, 0.9, seed=0)
    assert list(tickets) == list(METHODS)
    write_json(TicketFiles(tmp_path).metrics, {"accuracy": 0.5, "spike_sparsity": 0.7})
    made = {
        "network": list(about(tickets, TicketFiles(tmp_path), seed=0)),
        "latency": list(latencies(tickets)),
        "dataflows": list(dataflows(tickets)),
        "bandwidth": list(bandwidths(tickets)),
        "energy": [row for share in (0.95, 0.98) for row in energies(tickets, share)],
    }
    keys = ("dataflow", "bandwidth", "method", "model", "order", "fifo_depth", "weight_swap_cycles", "chip", "format")
    for name, rows in made.items():
        write_rows(tmp_path / f"{name}.csv", rows)
        found, committed = (pd.read_csv(folder) for folder in (tmp_path / f"{name}.csv", RESULTS / f"vgg16_{name}.csv"))
        assert list(found) == list(committed)
        of_case = [key for key in keys if key in found]
        pd.testing.assert_frame_equal(found[of_case], committed[of_case])
    direct = ut.simulate(tickets["uticket"], ut.Array(), ut.Broadcast(fifo_depth=8, order="activation"))
    latency = pd.DataFrame(made["latency"])
    row = latency.query("method == 'uticket' and fifo_depth == 8 and order == 'activation'").iloc[0]
    assert row["latency_cycles"] == direct.network.latency_cycles
    assert row["pe_area_um2"] == pytest.approx(Chip.read().pe_area_um2 + Chip.read().fifo_area_um2(8))
