import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_recurrence import step_through
from uticket.base.errors import InputError
from uticket.config.names import TokenCost
from uticket.hardware.analytic import count_cycles
from uticket.hardware.events import Broadcast, LayerEvents, layer_events, simulate_events
from uticket.hardware.tokens import cut, outputs_of_a_pe, tokens_of
from uticket.mapping.mapping import Array, map_layers
from uticket.ticket.layer import Layer

COSTS: dict[TokenCost, list[int]] = {"timesteps": [0, 3, 3, 3], "spikes": [0, 1, 2, 3], "one": [0, 1, 1, 1]}


def layer_of(filters=4, channels=2, size=(4, 5), kernel=(3, 3), stride=(1, 1), padding=(1, 1)) -> Layer:
    out = [(n + 2 * p - k) // s + 1 for n, p, k, s in zip(size, padding, kernel, stride, strict=True)]
    shape = {"kernel": kernel, "stride": stride, "padding": padding, "input_size": size, "output_size": tuple(out)}
    return Layer(name="conv2", kind="conv", filters=filters, channels=channels, **shape)


@st.composite
def cases(draw) -> tuple[Layer, np.ndarray, np.ndarray, Array, Broadcast]:
    """A layer, its mask and spikes for T = 3, an array and a broadcast."""
    kernel = draw(st.sampled_from([(1, 1), (3, 3), (2, 3)]))
    size = draw(st.tuples(st.integers(kernel[0], 5), st.integers(kernel[1], 5)))
    stride = draw(st.sampled_from([(1, 1), (2, 1), (2, 2)]))
    padding = draw(st.sampled_from([(0, 0), (1, 1)]))
    layer = layer_of(draw(st.integers(1, 6)), draw(st.integers(1, 3)), size, kernel, stride, padding)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    mask = rng.random((layer.filters, layer.channels, *kernel)) < draw(st.sampled_from([0.05, 0.3, 1.0]))
    spikes = rng.random((draw(st.integers(1, 2)), 3, layer.channels, *size)) < draw(st.sampled_from([0.0, 0.2, 1.0]))
    array = Array(
        draw(st.integers(1, 9)),
        draw(st.sampled_from(["contiguous", "sorted", "paired"])),
        draw(st.sampled_from(["filters", "input-channels"])),
        draw(st.sampled_from(["split_outputs", "idle"])),
    )
    broadcast = Broadcast(
        draw(st.sampled_from(["token", "channel", "tile"])),
        draw(st.sampled_from([0, 1, 3, math.inf])),
        draw(st.sampled_from([1, 2, math.inf])),
        draw(st.sampled_from(sorted(COSTS))),
        draw(st.sampled_from([1, 4, 9, 256])),
        draw(st.booleans()),
    )
    return layer, mask, spikes, array, broadcast


def run(layer: Layer, mask: np.ndarray, spikes: np.ndarray, array: Array, broadcast: Broadcast) -> LayerEvents:
    (result,) = simulate_events([layer], {layer.name: mask}, {layer.name: spikes}, spikes.shape[1], array, broadcast)
    return result


def live(layer: Layer, image: np.ndarray, channel: int, row: int, column: int, y: int, x: int) -> int:
    """Spikes that the output (y, x) receives through one kernel position."""
    at = (y * layer.stride[0] + row - layer.padding[0], x * layer.stride[1] + column - layer.padding[1])
    inside = all(0 <= n < size for n, size in zip(at, layer.input_size, strict=True))
    return int(image[:, channel, at[0], at[1]].sum()) if inside else 0


def plainly(layer, mask, spikes, array, broadcast) -> dict[str, object]:
    """What a layer costs, in plain loops over everything; the array is stepped through cycle by cycle."""
    mapping = map_layers([layer], {layer.name: mask}, array)[layer.name]
    per_unit = len(mapping.group) // layer.filters  # units of a filter
    outputs = list(product(range(layer.output_size[0]), range(layer.output_size[1])))
    latency = waited = most_waiting = delivered = dropped = operations = 0
    by_pe = np.zeros((4, array.pes), dtype=int)
    for image, g in product(spikes, range(mapping.num_groups)):
        held = {}  # (channel, row, column) -> PE -> weights
        for f, c, i, j in np.argwhere(mask).tolist():
            unit = f * per_unit + (c if per_unit > 1 else 0)
            if mapping.group[unit] == g:
                to = held.setdefault((c, i, j), {})
                to[int(mapping.pe[unit])] = to.get(int(mapping.pe[unit]), 0) + 1
        used = len({int(mapping.pe[u]) for u in range(len(mapping.group)) if mapping.group[u] == g})
        copies = 1 if array.spare_pes == "idle" else max(1, min(array.pes // used, len(outputs)))
        of_a_pe = {}  # the filters that it holds
        for u in range(len(mapping.group)):
            of_a_pe.setdefault((int(mapping.group[u]), int(mapping.pe[u])), set()).add(u // per_unit)
        most = max(broadcast.accumulators // max(map(len, of_a_pe.values())), 1) * copies
        side = max(layer.output_size) if len(outputs) <= most else math.isqrt(most)
        for tile in sorted({(y // side, x // side) for y, x in outputs}):
            here = [(y, x) for y, x in outputs if (y // side, x // side) == tile]
            share = math.ceil(len(here) / copies)
            items, channels, slots = [], {}, {}
            for c, i, j in product(*(range(n) for n in mask.shape[1:])):
                to = held.get((c, i, j), {})
                for place, (y, x) in enumerate(here):
                    count = live(layer, image, c, i, j, y, x)
                    if not count:
                        continue
                    delivered, dropped = delivered + bool(to), dropped + (not to)
                    operations += count * sum(to.values())
                    if not to and broadcast.skip_unwanted:
                        continue
                    first = place // share * used
                    receiving = {first + p: COSTS[broadcast.token_cost][count] * n for p, n in to.items()}
                    items.append(receiving)
                    chunk = c if broadcast.granularity == "channel" else 0
                    slots[chunk] = slots.get(chunk, 0) + 1
                    for p, cycles in receiving.items():
                        channels.setdefault(chunk, dict.fromkeys(range(array.pes), 0))[p] += cycles
            width = 0 if math.isinf(broadcast.broadcast_width) else broadcast.broadcast_width
            depth = min(broadcast.fifo_depth, 10**9)
            if broadcast.granularity == "token":
                step = step_through(items, [0] * len(items), array.pes, depth, width)
            else:
                idle = dict.fromkeys(range(array.pes), 0)
                sending = [math.ceil(n / width) if width else 0 for n in slots.values()]
                step = step_through([channels.get(chunk, idle) for chunk in slots], sending, array.pes, depth)
            latency += step.latency
            by_pe += np.array([step.work, step.starved, step.blocked, step.tail])
            waited, most_waiting = waited + step.waited, max(most_waiting, step.most_waiting)
    names = ("work", "starved", "blocked", "tail")
    return {
        "latency_cycles": latency,
        **{name: values.tolist() for name, values in zip(names, by_pe, strict=True)},
        "waited": waited,
        "occupancy_max": most_waiting,
        "delivered_tokens": delivered,
        "dropped_tokens": dropped,
        "operations": operations,
    }


@settings(max_examples=300, deadline=None)
@given(cases())
def test_layer_runs_as_in_plain_loops(case):
    result = run(*case)
    expected = plainly(*case)
    found = {name: getattr(result, name) for name in expected}
    assert {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in found.items()} == expected


@settings(max_examples=300, deadline=None)
@given(cases())
def test_dense_spikes_without_padding_take_what_the_analytic_model_says(case):
    layer, mask, spikes, array, _ = case
    layer = layer_of(layer.filters, layer.channels, layer.input_size, layer.kernel, layer.stride, padding=(0, 0))
    result = run(layer, mask, np.ones_like(spikes), array, Broadcast(accumulators=10**6))
    (analytic,) = count_cycles([layer], {layer.name: mask}, array, 3)
    assert result.latency_cycles == len(spikes) * analytic.latency_cycles
    assert result.work_cycles == len(spikes) * analytic.work_cycles
    assert result.idle_cycles == len(spikes) * analytic.idle_cycles
    assert result.utilization == pytest.approx(analytic.utilization)
    assert result.operations == result.work_cycles


@settings(max_examples=300, deadline=None)
@given(cases())
def test_work_depends_on_the_spikes_alone(case):
    layer, mask, spikes, array, broadcast = case
    result = run(*case)
    other = run(
        layer,
        mask,
        spikes,
        array,
        replace(broadcast, granularity="token", fifo_depth=2, broadcast_width=1, accumulators=2),
    )
    assert result.work_cycles == other.work_cycles
    by_pe = result.work + result.starved + result.blocked + result.tail
    assert (by_pe == result.latency_cycles).all()
    assert result.work_by_group.sum() == result.work_cycles
    assert 0 <= result.utilization <= 1
    assert 0 <= result.busy_share <= 1
    assert result.occupancy_mean <= result.occupancy_max <= broadcast.fifo_depth
    ideal = Broadcast("tile", token_cost=broadcast.token_cost)
    whole = run(layer, mask, spikes, replace(array, spare_pes="idle"), replace(ideal, accumulators=10**6))
    tiled = run(layer, mask, spikes, replace(array, spare_pes="idle"), replace(ideal, accumulators=4))
    assert tiled.latency_cycles >= whole.latency_cycles


@settings(max_examples=300, deadline=None)
@given(cases())
def test_one_timestep_costs_the_same_however_it_is_counted_and_no_spikes_cost_nothing(case):
    layer, mask, spikes, array, broadcast = case
    binary = {cost: run(layer, mask, spikes[:, :1], array, replace(broadcast, token_cost=cost)) for cost in COSTS}
    assert len({result.latency_cycles for result in binary.values()}) == 1
    dead = run(layer, mask, np.zeros_like(spikes), array, broadcast)
    assert (dead.latency_cycles, dead.work_cycles, dead.delivered_tokens, dead.dropped_tokens) == (0, 0, 0, 0)
    assert (dead.utilization, dead.busy_share, dead.occupancy_mean) == (1.0, 1.0, 0.0)


def test_images_add_up():
    rng = np.random.default_rng(0)
    layer, array, broadcast = layer_of(), Array(2), Broadcast(fifo_depth=1)
    mask, spikes = rng.random((4, 2, 3, 3)) < 0.3, rng.random((3, 3, 2, 4, 5)) < 0.3
    alone = [run(layer, mask, spikes[i : i + 1], array, broadcast) for i in range(3)]
    assert run(layer, mask, spikes, array, broadcast).latency_cycles == sum(one.latency_cycles for one in alone)


def test_layer_without_weights_on_one_pe():
    layer, spikes = layer_of(), np.ones((1, 3, 2, 4, 5), dtype=bool)
    empty = run(layer, np.zeros((4, 2, 3, 3), dtype=bool), spikes, Array(2), Broadcast())
    assert (empty.latency_cycles, empty.delivered_tokens, empty.utilization) == (0, 0, 1.0)
    assert empty.dropped_tokens > 0
    one = run(layer, np.ones((4, 2, 3, 3), dtype=bool), spikes, Array(1), Broadcast(fifo_depth=0))
    assert (one.idle_cycles, one.utilization, one.busy_share) == (0, 1.0, 1.0)
    starved = run(layer, np.eye(4, 18, dtype=bool).reshape(4, 2, 3, 3), spikes, Array(1), STARVING)
    assert 0 < starved.utilization < 0.5


STARVING = Broadcast(broadcast_width=1, token_cost="one", skip_unwanted=False)


def test_two_filters_on_a_pe_share_its_accumulators():
    layer = layer_of(filters=4, size=(4, 4))
    mask, spikes = np.ones((4, 2, 3, 3), dtype=bool), np.ones((1, 3, 2, 4, 4), dtype=bool)
    paired = Array(2, "paired")
    whole, cut_once = (run(layer, mask, spikes, paired, Broadcast(fifo_depth=0, accumulators=n)) for n in (32, 16))
    assert outputs_of_a_pe(layer, map_layers([layer], {"conv2": mask}, paired)["conv2"], 32) == 16
    assert cut((4, 4), 8).num_tiles == 4
    assert whole.latency_cycles == cut_once.latency_cycles  # equal filters: the barrier costs nothing


def test_spikes_that_do_not_fit_are_told_with_both_shapes():
    layer, mask = layer_of(), np.ones((4, 2, 3, 3), dtype=bool)
    expected = r"layer 'conv2': expected spikes of shape \(images, 3, 2, 4, 5\), came"
    layers = [layer, layer.model_copy(update={"name": "conv3"})]
    fewer = {"conv2": np.ones((2, 3, 2, 4, 5), bool), "conv3": np.ones((1, 3, 2, 4, 5), bool)}
    with pytest.raises(InputError, match=r"layer 'conv3': expected spikes of shape \(2, 3, 2, 4, 5\), came \(1, 3"):
        list(simulate_events(layers, {"conv2": mask, "conv3": mask}, fewer, 3, Array(), Broadcast()))
    for wrong in ((1, 3, 2, 4, 4), (1, 2, 2, 4, 5), (0, 3, 2, 4, 5), (3, 2, 4, 5)):
        with pytest.raises(InputError, match=expected):
            list(simulate_events([layer], {"conv2": mask}, {"conv2": np.ones(wrong, bool)}, 3, Array(), Broadcast()))
    with pytest.raises(InputError, match=f"{expected} none"):
        list(simulate_events([layer], {"conv2": mask}, {}, 3, Array(), Broadcast()))


def test_tiles_are_squares_of_the_accumulators():
    tiles = cut((32, 32), 256)
    assert (tiles.num_tiles, tiles.side) == (4, 16)
    assert tiles.part[15, 15] == 0
    assert tiles.part[15, 16] == 1
    assert tiles.part[16, 15] == 2
    assert cut((16, 16), 256).num_tiles == cut((8, 32), 256).num_tiles == 1
    assert cut((17, 16), 256).num_tiles == 2
    shared = cut((4, 4), 256, copies=3)  # 16 outputs: 6, 6 and 4
    assert np.bincount(shared.part.ravel()).tolist() == [6, 6, 4]


def test_tokens_of_one_spike():
    layer = layer_of(channels=1, size=(3, 3))
    spikes = np.zeros((4, 1, 3, 3), dtype=bool)
    spikes[1:3, 0, 0, 0] = True  # in the corner, in two of four timesteps
    tokens = tokens_of(layer, spikes, cut((3, 3), 256), "spikes")
    # it adds to the outputs (0, 0), (0, 1), (1, 0), (1, 1) through the kernel positions 4, 3, 1 and 0
    assert tokens.num[:, 0].tolist() == [1, 1, 0, 1, 1, 0, 0, 0, 0]
    assert tokens.cost.tolist() == [2, 2, 2, 2]
    assert tokens.spikes.tolist() == [2, 2, 0, 2, 2, 0, 0, 0, 0]


def test_layer_events_keeps_what_it_is_given():
    layer, array = layer_of(), Array(2)
    mask, spikes = np.ones((4, 2, 3, 3), dtype=bool), np.ones((1, 3, 2, 4, 5), dtype=bool)
    mapping = map_layers([layer], {"conv2": mask}, array)["conv2"]
    layer_events(layer, mask, mapping, spikes, array, Broadcast())
    assert mask.all()
    assert spikes.all()
