"""The event model in plain loops, and made-up layers to run it on."""

import math
from itertools import product

import numpy as np
from hypothesis import strategies as st

from tests.hardware.stepped import step_through
from tests.helpers import layer_of
from uticket.config.array import Array, Broadcast, TokenCost
from uticket.hardware.events import layer_events
from uticket.hardware.layer_events import LayerEvents
from uticket.mapping.placed import Placed, place
from uticket.ticket.layer import Layer
from uticket.ticket.ticket import Ticket

COSTS: dict[TokenCost, list[int]] = {"timesteps": [0, 3, 3, 3], "spikes": [0, 1, 2, 3], "one": [0, 1, 1, 1]}
IDEAL = Broadcast(fifo_depth=math.inf)  # no PE waits for the broadcaster
Case = tuple[Layer, np.ndarray, np.ndarray, Array, Broadcast]


@st.composite
def cases(draw) -> Case:
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
        pes=draw(st.integers(1, 9)),
        mapping=draw(st.sampled_from(["contiguous", "sorted", "paired"])),
        dataflow=draw(st.sampled_from(["filters", "input-channels"])),
        spare_pes=draw(st.sampled_from(["split_outputs", "idle"])),
        accumulators=draw(st.sampled_from([1, 4, 9, 256])),
        weight_swap_cycles=draw(st.sampled_from([0, 0, 1, 3])),
        drain_width=draw(st.sampled_from([1, 2, math.inf, math.inf])),
    )
    broadcast = Broadcast(
        granularity=draw(st.sampled_from(["token", "token", "channel", "tile"])),
        order=draw(st.sampled_from(["position", "activation"])),
        fifo_depth=draw(st.sampled_from([0, 1, 3, math.inf])),
        width=draw(st.sampled_from([1, 2, math.inf])),
        token_cost=draw(st.sampled_from(sorted(COSTS))),
        skip_unwanted=draw(st.booleans()),
    )
    return layer, mask, spikes, array, broadcast


def placed_on(layer: Layer, mask: np.ndarray, array: Array) -> Placed:
    """The layer with its mask on the array."""
    (placed,) = place(Ticket([layer], {layer.name: mask}), array)
    return placed


def run(layer: Layer, mask: np.ndarray, spikes: np.ndarray, array: Array, broadcast: Broadcast) -> LayerEvents:
    """Run a layer by the event model."""
    return layer_events(placed_on(layer, mask, array), spikes, array, broadcast)


def live(layer: Layer, image: np.ndarray, channel: int, row: int, column: int, y: int, x: int) -> int:
    """Spikes that the output (y, x) receives through one kernel position."""
    at = (y * layer.stride[0] + row - layer.padding[0], x * layer.stride[1] + column - layer.padding[1])
    inside = all(0 <= n < size for n, size in zip(at, layer.input_size, strict=True))
    return int(image[:, channel, at[0], at[1]].sum()) if inside else 0


def plainly(layer, mask, spikes, array, broadcast) -> dict[str, object]:
    """What a layer costs, in plain loops over everything; the array is stepped through cycle by cycle."""
    placed = placed_on(layer, mask, array)
    per_unit = len(placed.group) // layer.filters  # units of a filter
    outputs = list(product(range(layer.output_size[0]), range(layer.output_size[1])))
    latency = waited = most_waiting = delivered = dropped = operations = pushes = 0
    by_pe = np.zeros((6, array.pes), dtype=int)
    for image, g in product(spikes, range(placed.num_groups)):
        held = {}  # (channel, row, column) -> PE -> weights
        for f, c, i, j in np.argwhere(mask).tolist():
            unit = f * per_unit + (c if per_unit > 1 else 0)
            if placed.group[unit] == g:
                to = held.setdefault((c, i, j), {})
                to[int(placed.pe[unit])] = to.get(int(placed.pe[unit]), 0) + 1
        used = len({int(placed.pe[u]) for u in range(len(placed.group)) if placed.group[u] == g})
        copies = 1 if array.spare_pes == "idle" else max(1, min(array.pes // used, len(outputs)))
        of_a_pe = {}  # the filters that it holds
        for u in range(len(placed.group)):
            of_a_pe.setdefault((int(placed.group[u]), int(placed.pe[u])), set()).add(u // per_unit)
        most = max(array.accumulators // max(map(len, of_a_pe.values())), 1) * copies
        side = max(layer.output_size) if len(outputs) <= most else math.isqrt(most)
        for tile in sorted({(y // side, x // side) for y, x in outputs}):
            here = [(y, x) for y, x in outputs if (y // side, x // side) == tile]
            share = math.ceil(len(here) / copies)
            items, channels, slots = [], {}, {}
            active, swap = range(used * copies), array.weight_swap_cycles
            for c in range(layer.channels if swap else 0):  # every PE changes its weights before each channel
                items.append(((c,), dict.fromkeys(active, swap)))
                chunk = c if broadcast.granularity == "channel" else 0
                slots.setdefault(chunk, 0)
                for p in active:
                    channels.setdefault(chunk, dict.fromkeys(range(array.pes), 0))[p] += swap
            for c, i, j in product(*(range(n) for n in mask.shape[1:])):
                to = held.get((c, i, j), {})
                for nth, (y, x) in enumerate(here):
                    count = live(layer, image, c, i, j, y, x)
                    if not count:
                        continue
                    delivered, dropped = delivered + bool(to), dropped + (not to)
                    operations += count * sum(to.values())
                    pushes += len(to) if broadcast.fifo_depth else 0
                    if not to and broadcast.skip_unwanted:
                        continue
                    first = nth // share * used
                    receiving = {first + p: COSTS[broadcast.token_cost][count] * n for p, n in to.items()}
                    at = (y * layer.stride[0] + i, x * layer.stride[1] + j)
                    items.append(((c, *at, i, j) if broadcast.order == "activation" else (c, i, j), receiving))
                    chunk = c if broadcast.granularity == "channel" else 0
                    slots[chunk] = slots.get(chunk, 0) + 1
                    for p, cycles in receiving.items():
                        channels.setdefault(chunk, dict.fromkeys(range(array.pes), 0))[p] += cycles
            width = 0 if math.isinf(broadcast.width) else broadcast.width
            depth = min(broadcast.fifo_depth, 10**9)
            if broadcast.granularity == "token":
                items = [receiving for _, receiving in sorted(items, key=lambda item: item[0])]
                step = step_through(items, [0] * len(items), array.pes, depth, width)
            else:
                idle = dict.fromkeys(range(array.pes), 0)
                sending = [math.ceil(slots[chunk] / width) if width else 0 for chunk in sorted(slots)]
                step = step_through([channels.get(chunk, idle) for chunk in sorted(slots)], sending, array.pes, depth)
            filters = max(map(len, of_a_pe.values()))
            drain = math.ceil(share * filters / array.drain_width)
            swaps = np.array([swap * layer.channels * (p in active) for p in range(array.pes)])
            drains = np.array([drain * (p in active) for p in range(array.pes)])
            latency += step.latency + drain
            by_pe += np.array(
                [step.work - swaps, step.starved, step.blocked, step.tail + drain - drains, swaps, drains]
            )
            waited, most_waiting = waited + step.waited, max(most_waiting, step.most_waiting)
    names = ("work", "starved", "blocked", "tail", "swap", "drain")
    return {
        "latency_cycles": latency,
        **{name: values.tolist() for name, values in zip(names, by_pe, strict=True)},
        "waited": waited,
        "occupancy_max": most_waiting,
        "delivered_tokens": delivered,
        "dropped_tokens": dropped,
        "operations": operations,
        "pushes": pushes,
    }
