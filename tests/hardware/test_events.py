import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hardware.plain_events import (
    COSTS,
    IDEAL,
    Case,
    cases,
    few,
    fewer,
    layers_of_every_kind,
    placed_on,
    plainly,
    run,
)
from tests.helpers import layer_of
from uticket.base.errors import InputError
from uticket.config.array import Array, Broadcast
from uticket.config.pruning import Balance
from uticket.hardware.analytic import analytic
from uticket.hardware.cycles import layer_cycles
from uticket.hardware.events import events, layer_events
from uticket.hardware.overhead import scan_cycles, tile_overheads
from uticket.hardware.tiles import tiles_of
from uticket.mapping.dataflows import DATAFLOWS
from uticket.pruning.balance import balance_layer
from uticket.ticket.ticket import Ticket

every_kind = cases(layers=layers_of_every_kind())
many = st.sampled_from([1, 2, 15, 29])  # channels: with kernels of 3 x 3 one, two and three chunks of a bitmap
STARVING = Broadcast(fifo_depth=math.inf, width=1, token_cost="one", skip_unwanted=False)


@pytest.mark.parametrize("dataflow", sorted(DATAFLOWS))
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_layer_runs_as_in_plain_loops(dataflow, data):
    check(data.draw(cases(st.just(dataflow), many if dataflow == "inner-join" else few)))


@pytest.mark.parametrize("dataflow", sorted(DATAFLOWS))
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_layers_of_every_kind_run_as_in_plain_loops(dataflow, data):
    """Groups, dilation, one dimension, linear layers at several tokens, and counts, 500 of them in all."""
    channels = many if dataflow == "inner-join" else fewer
    check(data.draw(cases(st.just(dataflow), layers=layers_of_every_kind(channels))))


def check(case: Case) -> None:
    result = run(*case)
    expected = plainly(*case)
    found = {name: getattr(result, name) for name in expected}
    assert {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in found.items()} == expected


@settings(max_examples=300, deadline=None)
@given(st.one_of(cases(), cases(st.just("inner-join"), many)))
def test_dense_spikes_without_padding_take_what_the_analytic_model_says(case):
    layer, mask, spikes, array, _ = case
    layer = layer_of(layer.filters, layer.channels, layer.input_size, layer.kernel, layer.stride, padding=(0, 0))
    array = array.model_copy(update={"accumulators": 10**6})
    result = run(layer, mask, np.ones_like(spikes), array, IDEAL)
    placed = placed_on(layer, mask, array)
    ticket = Ticket([layer], {"conv2": mask}, timesteps=3, spike_sparsity={"conv2": 0.0})
    one, other = result.timing(), analytic(placed, ticket, array, IDEAL).timing
    for name in ("latency", "work", "idle", "swap", "drain"):
        assert getattr(one, f"{name}_cycles") == getattr(other, f"{name}_cycles"), name
    assert one.busy_share == pytest.approx(other.busy_share)
    assert result.operations == result.work_cycles
    if not result.swap.any() and math.isinf(array.drain_width):
        assert result.utilization == pytest.approx(layer_cycles(placed, timesteps=3).utilization)


@settings(max_examples=300, deadline=None)
@given(st.one_of(cases(), every_kind))
def test_work_depends_on_the_spikes_alone(case):
    layer, mask, spikes, array, broadcast = case
    result = run(*case)
    narrow = broadcast.model_copy(update={"granularity": "token", "fifo_depth": 2, "width": 1})
    other = run(layer, mask, spikes, array.model_copy(update={"accumulators": 2}), narrow)
    assert result.work_cycles == other.work_cycles
    by_pe = result.work + result.swap + result.drain + result.starved + result.blocked + result.tail
    assert (by_pe == result.latency_cycles).all()
    assert result.work_by_group.sum() == result.work_cycles
    assert 0 <= result.utilization <= 1
    assert 0 <= result.busy_share <= 1
    assert result.occupancy_mean <= result.occupancy_max <= broadcast.fifo_depth
    by_tile = {"granularity": "tile", "token_cost": broadcast.token_cost}
    ideal, idle = IDEAL.model_copy(update=by_tile), {"spare_pes": "idle"}
    whole = run(layer, mask, spikes, array.model_copy(update={**idle, "accumulators": 10**6}), ideal)
    tiled = run(layer, mask, spikes, array.model_copy(update={**idle, "accumulators": 4}), ideal)
    assert tiled.latency_cycles >= whole.latency_cycles


@settings(max_examples=300, deadline=None)
@given(st.one_of(cases(), every_kind))
def test_dataflows_do_the_same_work_and_deeper_fifos_never_cost_time(case):
    layer, mask, spikes, array, broadcast = case
    done = {
        name: run(layer, mask, spikes, array.model_copy(update={"dataflow": name}), broadcast) for name in DATAFLOWS
    }
    assert len({(result.work_cycles, result.operations) for result in done.values()}) == 1
    for name, result in done.items():
        assert result.work_cycles <= array.pes * result.latency_cycles
        deeper = broadcast.model_copy(update={"fifo_depth": broadcast.fifo_depth + 1})
        other = run(layer, mask, spikes, array.model_copy(update={"dataflow": name}), deeper)
        assert other.latency_cycles <= result.latency_cycles


@settings(max_examples=300, deadline=None)
@given(cases(st.sampled_from(["outputs", "gustavson"])))
def test_pes_with_streams_of_their_own_never_wait_for_each_other(case):
    layer, mask, spikes, array, broadcast = case
    alone = run(*case)
    assert alone.blocked.sum() == 0
    ideal = run(layer, mask, spikes, array, IDEAL.model_copy(update={"token_cost": broadcast.token_cost}))
    assert ideal.starved.sum() == 0
    none = IDEAL.model_copy(update={"token_cost": broadcast.token_cost, "fifo_depth": 0})
    assert run(layer, mask, spikes, array, none).latency_cycles == ideal.latency_cycles  # a FIFO gains nothing
    free = array.model_copy(update={"weight_swap_cycles": 0, "drain_width": math.inf})
    both = [free.model_copy(update={"dataflow": name}) for name in ("outputs", "gustavson")]
    assert len({run(layer, mask, spikes, one, none).latency_cycles for one in both}) == 1


@settings(max_examples=300, deadline=None)
@given(cases())
def test_one_timestep_costs_the_same_however_it_is_counted_and_no_spikes_cost_nothing(case):
    layer, mask, spikes, array, broadcast = case
    costs = {cost: broadcast.model_copy(update={"token_cost": cost}) for cost in COSTS}
    binary = {cost: run(layer, mask, spikes[:, :1], array, changed) for cost, changed in costs.items()}
    assert len({result.latency_cycles for result in binary.values()}) == 1
    free = array.model_copy(update={"weight_swap_cycles": 0, "drain_width": math.inf})
    dead = run(layer, mask, np.zeros_like(spikes), free, broadcast)
    assert (dead.latency_cycles, dead.work_cycles, dead.delivered_tokens, dead.dropped_tokens) == (0, 0, 0, 0)
    assert (dead.utilization, dead.busy_share, dead.occupancy_mean) == (1.0, 1.0, 0.0)


@settings(max_examples=300, deadline=None)
@given(cases(), st.integers(1, 2), st.sampled_from([0, 1, 8, math.inf]))
def test_pes_that_keep_the_same_positions_never_wait(case, groups, depth):
    """Teams as large as a group: whatever the mask and the spikes, no PE waits for the broadcaster or for another."""
    layer, mask, spikes, array, broadcast = case
    array = array.model_copy(update={"dataflow": "filters", "mapping": "contiguous"})
    layer = layer.model_copy(update={"filters": groups * array.pes})
    placed = placed_on(layer, np.resize(mask, layer.weight_shape), array)
    shared = balance_layer(placed, Balance(share=array.pes), np.random.default_rng(0))
    wide = broadcast.model_copy(update={"fifo_depth": depth, "width": math.inf})
    result = run(layer, shared, spikes, array, wide)
    assert (result.idle_cycles, result.starved.sum(), result.blocked.sum(), result.tail.sum()) == (0, 0, 0, 0)
    if not result.swap.any() and math.isinf(array.drain_width):
        assert (result.busy_share, result.utilization) == (1.0, 1.0)


def test_a_pe_joins_128_bits_of_its_filters_in_a_cycle():
    """150 inputs are two chunks; filter 0 has three weights in the first of them, filter 1 one in the second."""
    layer = layer_of(filters=2, channels=150, size=(1, 2), kernel=(1, 1), padding=(0, 0))
    mask, spikes = np.zeros((2, 150, 1, 1), dtype=bool), np.ones((1, 1, 150, 1, 2), dtype=bool)
    mask[0, :3] = mask[1, 128] = True
    spikes[..., 1] = False  # the second patch is not sent
    broadcast = Broadcast(fifo_depth=1, token_cost="one")
    two = run(layer, mask, spikes, Array(pes=2, dataflow="inner-join"), broadcast)
    assert (two.work.tolist(), two.swap.tolist(), two.tail.tolist()) == ([3, 1], [1, 1], [0, 2])
    assert two.pushes == 2 * 4  # both PEs keep the four wanted inputs
    one = run(layer, mask, spikes, Array(pes=1, mapping="paired", dataflow="inner-join"), broadcast)
    assert (one.work.tolist(), one.swap.tolist()) == ([4], [1])  # three matches, and one in two cycles
    scans = scan_cycles(placed_on(layer, mask, Array(pes=2, dataflow="inner-join")), timesteps=4)
    assert scans.tolist() == [[1, 1]]


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_images_add_up_in_their_order_by_any_number_of_threads(monkeypatch, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    rng = np.random.default_rng(0)
    layer, array, broadcast = layer_of(), Array(pes=2, accumulators=9), Broadcast(fifo_depth=1)
    mask, spikes = rng.random((4, 2, 3, 3)) < 0.3, rng.random((7, 3, 2, 4, 5)) < 0.3
    alone = [run(layer, mask, spikes[i : i + 1], array, broadcast) for i in range(7)]
    found = run(layer, mask, spikes, array, broadcast)
    assert found.latency.shape == (7, 2, 4)  # two groups, tiles of 3 x 3
    for image, one in enumerate(alone):
        assert found.latency[image].tolist() == one.latency[0].tolist()
    assert found.occupancy_max == max(one.occupancy_max for one in alone)
    for name in ("work_by_group", "work", "starved", "blocked", "tail", "waited", "operations", "delivered_tokens"):
        assert np.array_equal(getattr(found, name), sum(getattr(one, name) for one in alone)), name


def test_latency_of_a_tile_that_only_other_groups_have_is_zero():
    """Three filters on two PEs: the copies of the last one take larger tiles, and so fewer of them."""
    layer, array = layer_of(filters=3), Array(pes=2, accumulators=9)
    spikes = np.ones((1, 3, 2, 4, 5), dtype=bool)
    found = run(layer, np.ones((3, 2, 3, 3), dtype=bool), spikes, array, IDEAL)
    cuts = tiles_of(placed_on(layer, np.ones((3, 2, 3, 3), dtype=bool), array), 9)
    assert [cuts[copies].num_tiles for copies in (1, 2)] == [4, 2]
    assert ((found.latency > 0) == [[[True] * 4, [True, True, False, False]]]).all()


def test_layer_without_weights_on_one_pe():
    layer, spikes = layer_of(), np.ones((1, 3, 2, 4, 5), dtype=bool)
    empty = run(layer, np.zeros((4, 2, 3, 3), dtype=bool), spikes, Array(pes=2), IDEAL)
    assert (empty.latency_cycles, empty.delivered_tokens, empty.utilization) == (0, 0, 1.0)
    assert empty.dropped_tokens > 0
    one = run(layer, np.ones((4, 2, 3, 3), dtype=bool), spikes, Array(pes=1), Broadcast(fifo_depth=0))
    assert (one.idle_cycles, one.utilization, one.busy_share) == (0, 1.0, 1.0)
    starved = run(layer, np.eye(4, 18, dtype=bool).reshape(4, 2, 3, 3), spikes, Array(pes=1), STARVING)
    assert 0 < starved.utilization < 0.5


def test_events_are_those_of_the_tickets_spikes_for_one_image():
    layer, array, broadcast = layer_of(), Array(pes=2, accumulators=4), Broadcast(fifo_depth=1, width=1)
    rng = np.random.default_rng(0)
    mask, spikes = rng.random((4, 2, 3, 3)) < 0.3, rng.random((3, 3, 2, 4, 5)) < 0.3
    ticket = Ticket([layer], {"conv2": mask}, timesteps=3, spikes={"conv2": spikes})
    found, summed = (
        events(placed_on(layer, mask, array), ticket, array, broadcast),
        run(layer, mask, spikes, array, broadcast),
    )
    assert found.timing == summed.timing()
    assert found.timing.latency_cycles == summed.latency_cycles / 3
    assert found.timing.tokens == summed.delivered_tokens / 3
    assert (found.timing.utilization, found.timing.fifo_max) == (summed.utilization, summed.occupancy_max)
    assert found.by_pe["work_cycles"] == (summed.work / 3).tolist()
    names = ("work", "starved", "blocked", "tail", "swap", "drain")
    assert list(found.by_pe) == [f"{name}_cycles" for name in names]


@pytest.mark.parametrize("spikes", [None, {}, {"conv3": np.ones((1, 3, 2, 4, 5), dtype=bool)}])
def test_missing_spikes_are_reported_with_their_shape(spikes):
    layers = [layer_of(), layer_of(name="conv3")]
    masks = {layer.name: np.ones((4, 2, 3, 3), dtype=bool) for layer in layers}
    ticket = Ticket(layers, masks, timesteps=3, spikes=spikes)
    expected = r"layer 'conv2': expected spikes of shape \(images, 3, 2, 4, 5\), got none"
    with pytest.raises(InputError, match=expected):
        events(placed_on(layers[0], masks["conv2"], Array()), ticket, Array(), Broadcast())


def test_layer_events_keeps_what_it_is_given():
    layer, array = layer_of(), Array(pes=2)
    mask, spikes = np.ones((4, 2, 3, 3), dtype=bool), np.ones((1, 3, 2, 4, 5), dtype=bool)
    layer_events(placed_on(layer, mask, array), spikes, array, Broadcast())
    assert mask.all()
    assert spikes.all()


def test_weight_changes_and_draining_take_what_they_say():
    """Two groups of two filters and two channels: 2 x 2 changes, and the outputs of each tile of each group."""
    layer, spikes = layer_of(), np.zeros((1, 3, 2, 4, 5), dtype=bool)
    array = Array(pes=2, accumulators=10, weight_swap_cycles=3, drain_width=4)
    placed = placed_on(layer, np.ones((4, 2, 3, 3), dtype=bool), array)
    swaps, drains = tile_overheads(placed, array)
    tiles = tiles_of(placed, 10)[1]
    assert swaps.tolist() == [[2 * 3] * tiles.num_tiles] * 2
    assert drains.tolist() == [[math.ceil(n / 4) for n in tiles.largest_parts]] * 2
    for broadcast in (Broadcast(), Broadcast(granularity="channel"), Broadcast(order="activation", fifo_depth=0)):
        found = layer_events(placed, spikes, array, broadcast)  # no spikes: nothing else takes time
        assert found.latency_cycles == (swaps + drains).sum()
        assert found.swap.tolist() == [swaps.sum()] * 2
        assert (found.work_cycles, found.idle_cycles) == (0, 0)
