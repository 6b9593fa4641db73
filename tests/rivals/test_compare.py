"""A ticket beside its rivals: layers, images, rounded weights, missing spikes."""

from dataclasses import replace

import numpy as np
import pytest

import uticket as ut
from tests.helpers import layer_of
from uticket.config.tables import RIVALS
from uticket.rivals.compare import Cycles, rival_cycles, summary
from uticket.rivals.lowered import lower


@pytest.fixture
def ticket() -> ut.Ticket:
    """Two convolutions with weights, a tenth of them small, and the spikes of two images."""
    rng = np.random.default_rng(0)
    layers = [layer_of(9, 4, (6, 6), name="conv2"), layer_of(6, 9, (6, 6), stride=(2, 2), name="conv3")]
    weights = {n.name: rng.normal(size=n.weight_shape) ** 3 for n in layers}
    mask = {name: rng.random(values.shape) < 0.5 for name, values in weights.items()}
    spikes = {n.name: rng.random((2, 3, n.channels, *n.input_size)) < 0.2 for n in layers}
    return ut.Ticket(layers, mask, weights, 3, spikes)


def test_layers_have_the_cycles_of_the_array_and_the_mean_over_the_images_of_each_rival(ticket):
    array, broadcast = ut.Array(pes=8), ut.Broadcast(fifo_depth=2)
    found = ut.compare_rivals(ticket, array, broadcast)
    for model in ("events", "analytic"):
        simulated = ut.simulate(ticket, array, broadcast, model=model)
        assert [getattr(n, model) for n in found.layers] == [n.latency_cycles for n in simulated.layers]
        assert getattr(found.network, model) == simulated.network.latency_cycles
    for layer, cycles in zip(ticket.layers, found.layers, strict=True):
        assert cycles.name == layer.name
        assert list(cycles.rivals) == list(RIVALS)
        for name, rival in RIVALS.items():
            images = [lower(layer, image, ticket.mask[layer.name]) for image in ticket.spikes[layer.name]]
            assert cycles.rivals[name] == np.mean([rival.cycles(image, 8) for image in images])
    frame = found.frame()
    assert frame["layer"].tolist() == ["conv2", "conv3"]
    assert frame["loas"].sum() == found.network.rivals["loas"]


def test_groups_of_a_convolution_run_as_layers_of_their_own_and_counts_in_turns():
    rng = np.random.default_rng(0)
    layer = layer_of(6, 4, (5, 5), name="conv2", groups=2, dilation=(1, 2), reads="counts")
    alone = layer.model_copy(update={"filters": 3, "channels": 2, "groups": 1, "reads": "spikes"})
    mask, counts = rng.random(layer.weight_shape) < 0.4, rng.integers(0, 3, (3, 4, 5, 5), dtype=np.uint8)
    halves = [(mask[:3], counts[:, :2]), (mask[3:], counts[:, 2:])]
    expected = [lower(alone, arriving > turn, kept) for turn in range(2) for kept, arriving in halves]
    found = rival_cycles(layer, mask, counts[np.newaxis], 4)
    for name, rival in RIVALS.items():
        assert found[name] == sum(rival.cycles(product, 4) for product in expected)


def test_rivals_run_the_weights_that_the_array_holds(ticket):
    trained, rounded = (ut.compare_rivals(ticket, ut.Array(weight_bits=bits)).network for bits in (None, 2))
    assert rounded.rivals["loas"] < trained.rivals["loas"]
    assert rounded.rivals["sato"] == trained.rivals["sato"]


def test_rivals_run_the_layers_that_the_array_runs(ticket):
    found = ut.compare_rivals(replace(ticket, runs=frozenset({"conv3"})))
    assert [cycles.name for cycles in found.layers] == ["conv3"]
    assert found.network.rivals == found.layers[0].rivals


def test_missing_spikes_are_reported_by_layer(ticket):
    spikes = {"conv2": ticket.spikes["conv2"]}
    with pytest.raises(
        ut.InputError, match=r"layer 'conv3': expected spikes of shape \(images, 3, 9, 6, 6\), got none"
    ):
        ut.compare_rivals(replace(ticket, spikes=spikes))


def test_ratios_are_cycles_of_the_rival_by_cycles_of_the_array():
    cycles = Cycles("network", events=50, analytic=200, rivals=dict.fromkeys(RIVALS, 100.0))
    assert set(cycles.ratios().values()) == {2.0}
    assert set(cycles.ratios("analytic").values()) == {0.5}
    rows = summary(cycles)
    assert [row["rival"] for row in rows] == [rival.title for rival in RIVALS.values()]
    assert {(row["times events"], row["times analytic"]) for row in rows} == {("2.00", "0.50")}


def test_a_network_without_spikes_has_no_ratio(ticket):
    silent = replace(ticket, spikes={name: np.zeros_like(values) for name, values in ticket.spikes.items()})
    network = ut.compare_rivals(silent).network
    assert network.events == 0
    assert set(network.ratios().values()) == {None}
    assert all(row["times events"] == "" for row in summary(network))
