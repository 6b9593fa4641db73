"""Layers of other kinds against two-dimensional convolutions that do the same, and against the simple count."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import uticket as ut
from tests.hardware.plain_events import IDEAL, cases, layers_of_every_kind, placed_on, run
from tests.helpers import layer_of
from uticket.hardware.activations import place_activations
from uticket.hardware.analytic import analytic
from uticket.hardware.layer_events import LayerEvents
from uticket.ticket.layer import Layer

every_kind = cases(layers=layers_of_every_kind())


def spread(layer: Layer, mask: np.ndarray) -> tuple[Layer, np.ndarray]:
    """A two-dimensional convolution with all channels, and no weights where the layer has none."""
    kernel = tuple(d * (k - 1) + 1 for k, d in zip(layer.kernel, layer.dilation, strict=True))
    wide = np.zeros((layer.filters, layer.channels, *kernel), dtype=bool)
    mask = mask.reshape(layer.filters, -1, *layer.kernel)
    for f, c, i, j in np.argwhere(mask).tolist():
        channel = f // layer.group_filters * layer.group_channels + c
        wide[f, channel, i * layer.dilation[0], j * layer.dilation[1]] = True
    plain = {"kind": "conv", "kernel": kernel, "dilation": (1, 1), "groups": 1}
    return layer.model_copy(update=plain), wide


def seen(result: LayerEvents, *leave_out: str) -> dict[str, list[int]]:
    return {name: np.asarray(v).tolist() for name, v in vars(result).items() if name not in leave_out}


@settings(max_examples=300, deadline=None)
@given(every_kind)
def test_what_a_layer_does_not_have_costs_nothing(case):
    """Groups, dilation and one dimension, as weights that a whole two-dimensional convolution does not keep."""
    layer, mask, spikes, array, broadcast = case
    flows = {"input-channels": "filters", "inner-join": "outputs"}  # whose slices and bitmaps are of other channels
    dataflow = flows.get(array.dataflow, array.dataflow)
    # `patterns` compares filters of all channels, and ties of `sorted` and `paired` go by patterns
    update = {"dataflow": dataflow, "mapping": "contiguous", "weight_swap_cycles": 0}
    array = array.model_copy(update=update)
    skipping = broadcast.model_copy(update={"skip_unwanted": True})
    result, whole = run(layer, mask, spikes, array, skipping), run(*spread(layer, mask), spikes, array, skipping)
    assert seen(result, "dropped_tokens") == seen(whole, "dropped_tokens")
    assert result.dropped_tokens <= whole.dropped_tokens


@settings(max_examples=300, deadline=None)
@given(every_kind)
def test_analytic_model_is_the_simple_count(case):
    """The busiest PE of each group, the most changes of weights, and the positions of the longest copy."""
    layer, mask, _, array, _ = case
    array = array.model_copy(update={"dataflow": "filters", "accumulators": 10**6, "drain_width": math.inf})
    placed = placed_on(layer, mask, array)
    ticket = ut.Ticket([layer], {"conv2": mask}, timesteps=3, spike_sparsity={"conv2": 0.25}, runs={"conv2"})
    found = analytic(placed, ticket, array, IDEAL).timing
    latency = work = tokens = 0
    for group in range(placed.num_groups):
        held = [np.flatnonzero((placed.group == group) & (placed.pe == pe)).tolist() for pe in range(array.pes)]
        reads = [{f // layer.group_filters for f in filters} for filters in held]
        share = -(-layer.positions // int(placed.copies[group]))
        kept = [int(mask[filters].sum()) for filters in held]
        most = max(len(channels) for channels in reads) * layer.group_channels
        latency += max(kept) * share * 3 + most * array.weight_swap_cycles
        work += sum(kept) * layer.positions * 3
        tokens += len(set().union(*reads)) * layer.group_channels * math.prod(layer.kernel) * layer.positions
    assert (found.latency_cycles, found.work_cycles, found.tokens) == (latency, work, tokens)
    assert found.operations == pytest.approx(0.75 * work)
    total = found.work_cycles + found.idle_cycles + found.swap_cycles
    assert total == array.pes * found.latency_cycles


dense = cases(st.sampled_from(["filters", "inner-join"]), layers=layers_of_every_kind(padded=False))


@settings(max_examples=300, deadline=None)
@given(dense)
def test_dense_spikes_take_what_the_analytic_model_says(case):
    layer, mask, spikes, array, _ = case
    array = array.model_copy(update={"accumulators": 10**6})
    one = run(layer, mask, np.ones_like(spikes), array, IDEAL).timing()
    ticket = ut.Ticket([layer], {"conv2": mask}, timesteps=3, spike_sparsity={"conv2": 0.0}, runs={"conv2"})
    other = analytic(placed_on(layer, mask, array), ticket, array, IDEAL).timing
    assert (one.work_cycles, one.swap_cycles) == (other.work_cycles, other.swap_cycles)
    assert one.latency_cycles <= other.latency_cycles
    if array.mapping != "paired":  # where a PE with the most work need not be the one with the most changes
        assert one.latency_cycles == other.latency_cycles


@settings(max_examples=300, deadline=None)
@given(every_kind)
def test_counts_of_one_are_spikes_and_counts_are_so_many_spikes(case):
    layer, mask, spikes, array, broadcast = case
    once, counting = spikes > 0, layer.model_copy(update={"reads": "counts"})
    booleans = run(layer.model_copy(update={"reads": "spikes"}), mask, once, array, broadcast)
    assert seen(run(counting, mask, once.astype(np.uint8), array, broadcast)) == seen(booleans)
    twice = run(counting, mask, 2 * once.astype(np.uint8), array, broadcast)
    assert twice.operations == 2 * booleans.operations
    assert twice.delivered_tokens == 2 * booleans.delivered_tokens
    assert twice.work_cycles == 2 * booleans.work_cycles
    assert twice.latency_cycles >= booleans.latency_cycles


def test_a_count_is_sent_in_turns_by_hand():
    """One weight, two timesteps with 3 and 1 spikes: three tokens, with spikes in 2, 1 and 1 of the timesteps."""
    layer = layer_of(1, 1, (1, 1), (1, 1), padding=(0, 0), reads="counts")
    spikes = np.array([3, 1], dtype=np.uint8).reshape(1, 2, 1, 1, 1)
    mask = np.ones((1, 1, 1, 1), dtype=bool)
    for cost, cycles in {"timesteps": 3 * 2, "spikes": 4, "one": 3}.items():
        found = run(layer, mask, spikes, ut.Array(pes=1), ut.Broadcast(token_cost=cost))
        assert (found.delivered_tokens, found.operations, found.work_cycles) == (3, 4, cycles)
    ticket = ut.Ticket([layer], {"conv2": mask}, timesteps=2, spikes={"conv2": spikes})
    assert ut.simulate(ticket, model="analytic").network.operations == 4  # in 2 cycles, a timestep each
    measured = replace(ticket, spike_sparsity={"conv2": 0.5})  # does not say how many arrive at a time
    assert ut.simulate(measured, model="analytic").network.operations == 4
    assert place_activations(ticket, 99)["conv2"].value_bits == 2  # counts up to 3
    assert place_activations(replace(ticket, spikes=None), 99)["conv2"].value_bits == 8


def test_a_depthwise_filter_waits_for_its_own_channel_only():
    """Two channels, two filters: the tokens of one are not those of the other."""
    layer = layer_of(2, 2, (1, 3), (1, 1), padding=(0, 0), groups=2)
    mask, spikes = np.ones((2, 1, 1, 1), dtype=bool), np.zeros((1, 1, 2, 1, 3), dtype=bool)
    spikes[..., 0, :, :], spikes[..., 1, :, 0] = True, True
    found = run(layer, mask, spikes, ut.Array(pes=2, weight_swap_cycles=5), IDEAL)
    assert (found.work.tolist(), found.swap.tolist()) == ([3, 1], [5, 5])
    assert found.operations == found.delivered_tokens == 4
    alone = run(layer, mask, spikes, ut.Array(pes=1), ut.Broadcast(skip_unwanted=False))
    assert (alone.latency_cycles, alone.dropped_tokens) == (4, 0)  # group by group, each with its channel


@pytest.fixture
def separable() -> ut.Ticket:
    """Depthwise and pointwise convolutions and a linear layer at 9 tokens, sparse, with the spikes of two images."""
    rng = np.random.default_rng(0)
    layers = [layer_of(32, 8, (6, 6), name="conv", groups=2), layer_of(32, 32, (6, 6), name="depthwise", groups=32)]
    layers += [layer_of(48, 32, (6, 6), (1, 1), padding=(0, 0), name="pointwise")]
    layers += [Layer.of_shape("fc", (16, 48)).in_one_row(9)]
    weights = {n.name: rng.normal(size=n.weight_shape) * (rng.random(n.weight_shape) < 0.3) for n in layers}
    spikes = {n.name: rng.random((2, 4, n.channels, *n.input_size)) < 0.2 for n in layers}
    return ut.Ticket(layers, {name: values != 0 for name, values in weights.items()}, weights, 4, spikes)


@pytest.mark.parametrize("select", ["random", "magnitude"])
def test_balancing_keeps_all_pes_busy_with_layers_of_every_kind(separable, select):
    array = ut.Array(pes=16, layers="all")
    balanced = ut.balance(separable, array, ut.Balance(select=select))
    assert [layer.utilization for layer in ut.audit(balanced, array).layers] == [1.0] * 4
    assert ut.audit(separable, array).utilization < 0.9
    for dataflow in ("filters", "input-channels", "outputs", "gustavson", "inner-join"):
        network = ut.simulate(balanced, ut.Array(layers="all", dataflow=dataflow)).network
        assert network.operations == ut.simulate(balanced, array).network.operations
    assert min(ut.compare_rivals(balanced, array).network.rivals.values()) > 0


def test_teams_are_of_filters_that_read_the_same_channels(separable):
    array = ut.Array(pes=16, layers="all")
    shared = ut.balance(separable, array, ut.Balance(share=4, select="magnitude")).mask
    for name in ("conv", "pointwise", "fc"):
        team = shared[name].reshape(-1, 4, shared[name][0].size)
        assert (team == team[:, :1]).all()
    depthwise = shared["depthwise"].reshape(-1, 4, 9)
    assert not (depthwise == depthwise[:, :1]).all()
    by_group = shared["depthwise"].reshape(2, 16, 9).sum(axis=2)
    assert (by_group == by_group[:, :1]).all()
    patterns = ut.Array(mapping="patterns")
    ut.balance(separable, patterns, ut.Balance(share={"pointwise": 4}, team="alike"))
    with pytest.raises(
        ut.InputError, match=r"team: expected consecutive in a grouped convolution.*'conv'\), got alike"
    ):
        ut.balance(separable, ut.Array(mapping="patterns"), ut.Balance(share=4, team="alike"))
