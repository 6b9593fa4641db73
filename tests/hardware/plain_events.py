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
from uticket.hardware.recurrence import TileRun
from uticket.mapping.dataflows import DATAFLOWS
from uticket.mapping.placed import Placed, place
from uticket.ticket.layer import Layer
from uticket.ticket.ticket import Ticket

COSTS: dict[TokenCost, list[int]] = {"timesteps": [0, 3, 3, 3], "spikes": [0, 1, 2, 3], "one": [0, 1, 1, 1]}
IDEAL = Broadcast(fifo_depth=math.inf)  # no PE waits for the broadcaster
Case = tuple[Layer, np.ndarray, np.ndarray, Array, Broadcast]


any_dataflow = st.sampled_from(sorted(DATAFLOWS))
few = st.integers(1, 3)


@st.composite
def cases(draw, dataflows=any_dataflow, channels=few) -> Case:
    """A layer, its mask and spikes for T = 3, an array and a broadcast."""
    kernel = draw(st.sampled_from([(1, 1), (3, 3), (2, 3)]))
    size = draw(st.tuples(st.integers(kernel[0], 5), st.integers(kernel[1], 5)))
    stride = draw(st.sampled_from([(1, 1), (2, 1), (2, 2)]))
    padding = draw(st.sampled_from([(0, 0), (1, 1)]))
    layer = layer_of(draw(st.integers(1, 6)), draw(channels), size, kernel, stride, padding)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    mask = rng.random((layer.filters, layer.channels, *kernel)) < draw(st.sampled_from([0.05, 0.3, 1.0]))
    spikes = rng.random((draw(st.integers(1, 2)), 3, layer.channels, *size)) < draw(st.sampled_from([0.0, 0.2, 1.0]))
    array = Array(
        pes=draw(st.integers(1, 9)),
        mapping=draw(st.sampled_from(["contiguous", "patterns", "sorted", "paired"])),
        dataflow=draw(dataflows),
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


class Plain:
    """What a layer costs, in plain loops over everything; the array is stepped through cycle by cycle."""

    def __init__(self, layer, mask, array, broadcast) -> None:
        self.layer, self.mask, self.array, self.broadcast = layer, mask, array, broadcast
        self.placed = placed_on(layer, mask, array)
        self.per_unit = len(self.placed.group) // layer.filters  # units of a filter
        self.outputs = list(product(range(layer.output_size[0]), range(layer.output_size[1])))
        self.swap = array.weight_swap_cycles if array.dataflow not in ("gustavson", "inner-join") else 0
        of_a_pe = {}  # the filters that it holds
        for u in range(len(self.placed.group)):
            of_a_pe.setdefault((int(self.placed.group[u]), int(self.placed.pe[u])), set()).add(u // self.per_unit)
        self.filters = max(map(len, of_a_pe.values()))
        self.latency = self.waited = self.most_waiting = 0
        self.delivered = self.dropped = self.operations = self.pushes = 0
        self.by_pe = np.zeros((6, array.pes), dtype=int)

    def held(self, group: int) -> dict[tuple[int, int, int], dict[int, int]]:
        """(channel, row, column) -> PE -> weights, of one group."""
        held = {}
        for f, c, i, j in np.argwhere(self.mask).tolist():
            unit = f * self.per_unit + (c if self.per_unit > 1 else 0)
            if self.placed.group[unit] == group:
                to = held.setdefault((c, i, j), {})
                to[int(self.placed.pe[unit])] = to.get(int(self.placed.pe[unit]), 0) + 1
        return held

    def used(self, group: int) -> int:
        placed = self.placed
        return len({int(placed.pe[u]) for u in range(len(placed.group)) if placed.group[u] == group})

    def drain(self, outputs: int) -> int:
        return math.ceil(outputs * self.filters / self.array.drain_width)

    def send(self, image, held, here, first_pe, active) -> TileRun:
        """Run outputs by one sender; first_pe: of each output, where its copy of the group begins."""
        layer, broadcast = self.layer, self.broadcast
        idle = dict.fromkeys(range(self.array.pes), 0)
        items, channels, slots = [], {}, {}
        for c in range(layer.channels if self.swap else 0):  # every PE changes its weights before each channel
            items.append(((c,), dict.fromkeys(active, self.swap)))
            chunk = c if broadcast.granularity == "channel" else 0
            slots.setdefault(chunk, 0)
            for p in active:
                channels.setdefault(chunk, dict(idle))[p] += self.swap
        for c, i, j in product(*(range(n) for n in self.mask.shape[1:])):
            to = held.get((c, i, j), {})
            for (y, x), first in zip(here, first_pe, strict=True):
                count = live(layer, image, c, i, j, y, x)
                if not count:
                    continue
                self.delivered, self.dropped = self.delivered + bool(to), self.dropped + (not to)
                self.operations += count * sum(to.values())
                self.pushes += len(to) if broadcast.fifo_depth else 0
                if not to and broadcast.skip_unwanted:
                    continue
                receiving = {first + p: COSTS[broadcast.token_cost][count] * n for p, n in to.items()}
                at = (y * layer.stride[0] + i, x * layer.stride[1] + j)
                items.append(((c, *at, i, j) if broadcast.order == "activation" else (c, i, j), receiving))
                chunk = c if broadcast.granularity == "channel" else 0
                slots[chunk] = slots.get(chunk, 0) + 1
                for p, cycles in receiving.items():
                    channels.setdefault(chunk, dict(idle))[p] += cycles
        width = 0 if math.isinf(broadcast.width) else broadcast.width
        depth = min(broadcast.fifo_depth, 10**9)
        if broadcast.granularity == "token":
            items = [receiving for _, receiving in sorted(items, key=lambda item: item[0])]
            return step_through(items, [0] * len(items), self.array.pes, depth, width)
        sending = [math.ceil(slots[chunk] / width) if width else 0 for chunk in sorted(slots)]
        return step_through([channels.get(chunk, idle) for chunk in sorted(slots)], sending, self.array.pes, depth)

    def add(self, latency: int, work, starved, blocked, tail, swaps, drains) -> None:
        self.latency += latency
        self.by_pe += np.array([work, starved, blocked, tail, swaps, drains])

    def note(self, step: TileRun) -> None:
        self.waited, self.most_waiting = self.waited + step.waited, max(self.most_waiting, step.most_waiting)

    def broadcast_to_all(self, image, group: int) -> None:
        """One sender for all PEs, and a barrier after each tile."""
        array, outputs, used, held = self.array, self.outputs, self.used(group), self.held(group)
        copies = 1 if array.spare_pes == "idle" else max(1, min(array.pes // used, len(outputs)))
        most = max(array.accumulators // self.filters, 1) * copies
        side = max(self.layer.output_size) if len(outputs) <= most else math.isqrt(most)
        for tile in sorted({(y // side, x // side) for y, x in outputs}):
            here = [(y, x) for y, x in outputs if (y // side, x // side) == tile]
            share = math.ceil(len(here) / copies)
            active = range(used * copies)
            step = self.send(image, held, here, [nth // share * used for nth in range(len(here))], active)
            drain = self.drain(share)
            swaps = np.array([self.swap * self.layer.channels * (p in active) for p in range(array.pes)])
            drains = np.array([drain * (p in active) for p in range(array.pes)])
            tail = step.tail + drain - drains
            self.add(step.latency + drain, step.work - swaps, step.starved, step.blocked, tail, swaps, drains)
            self.note(step)

    def stream_to_each(self, image) -> None:
        """A sender for each PE, which does all tiles of all groups; barriers at the end only."""
        pes, outputs = self.array.pes, self.outputs
        share = math.ceil(len(outputs) / pes)
        piece = max(self.array.accumulators // self.filters, 1)
        by_pe, held = np.zeros((6, pes), dtype=int), [*map(self.held, range(self.placed.num_groups))]
        for p in range(math.ceil(len(outputs) / share)):
            own = outputs[p * share : (p + 1) * share]
            for group, start in product(range(len(held)), range(0, share, piece)):
                here = own[start : start + piece]
                step = self.send(image, held[group], here, [p] * len(here), [p])
                swaps, drain = self.swap * self.layer.channels, self.drain(min(piece, share - start))
                waiting = step.starved[p] + step.tail[p]
                by_pe[:, p] += [step.work[p] - swaps, waiting, step.blocked[p], 0, swaps, drain]
                self.note(step)
        elapsed = by_pe.sum(axis=0)
        by_pe[3] = elapsed.max() - elapsed
        self.add(int(elapsed.max()), *by_pe)

    def join_patches(self, image, group: int) -> None:
        """A patch of inputs at a time for each copy, and a barrier at the end of the group."""
        layer, broadcast, pes = self.layer, self.broadcast, self.array.pes
        used, held = self.used(group), self.held(group)
        copies = 1 if self.array.spare_pes == "idle" else max(1, min(pes // used, len(self.outputs)))
        share = math.ceil(len(self.outputs) / copies)
        keys = [*product(*(range(n) for n in self.mask.shape[1:]))]
        filters = [0] * used
        for g, p in zip(self.placed.group.tolist(), self.placed.pe.tolist(), strict=True):
            if g == group:
                filters[p] += 1
        items, sending, scans = [], [], np.zeros(pes, dtype=int)
        for nth in range(share):
            item, slots = dict.fromkeys(range(pes), 0), 0
            for copy, (y, x) in enumerate(self.outputs[nth::share]):
                counts = [live(layer, image, *key, y, x) for key in keys]
                wanted = [bool(held.get(key)) for key in keys]
                sent = [
                    n for n, wants in zip(counts, wanted, strict=True) if n and (wants or not broadcast.skip_unwanted)
                ]
                slots += len(sent)
                self.pushes += len(sent) * used if broadcast.fifo_depth else 0
                for n, wants, key in zip(counts, wanted, keys, strict=True):
                    self.delivered, self.dropped = (
                        self.delivered + (n > 0) * wants,
                        self.dropped + (n > 0) * (not wants),
                    )
                    self.operations += n * sum(held.get(key, {}).values())
                for p in range(used if sent else 0):
                    for begin in range(0, len(keys), 128):
                        of = zip(counts[begin : begin + 128], keys[begin : begin + 128], strict=True)
                        matches = sum(COSTS[broadcast.token_cost][n] * held.get(key, {}).get(p, 0) for n, key in of)
                        item[copy * used + p] += max(matches, filters[p])
                        scans[copy * used + p] += max(filters[p] - matches, 0)
            if slots:
                items.append(item)
                sending.append(0 if math.isinf(broadcast.width) else math.ceil(slots / broadcast.width))
        step = step_through(items, sending, pes, min(broadcast.fifo_depth, 10**9))
        drain = self.drain(1) * share
        drains = np.array([drain * (p < used * copies) for p in range(pes)])
        tail = step.tail + drain - drains
        self.add(step.latency + drain, step.work - scans, step.starved, step.blocked, tail, scans, drains)
        self.note(step)


def plainly(layer, mask, spikes, array, broadcast) -> dict[str, object]:
    """What a layer costs, step by step."""
    plain = Plain(layer, mask, array, broadcast)
    for image in spikes:
        if array.dataflow in ("outputs", "gustavson"):
            plain.stream_to_each(image)
            continue
        run_group = plain.join_patches if array.dataflow == "inner-join" else plain.broadcast_to_all
        for group in range(plain.placed.num_groups):
            run_group(image, group)
    names = ("work", "starved", "blocked", "tail", "swap", "drain")
    return {
        "latency_cycles": plain.latency,
        **{name: values.tolist() for name, values in zip(names, plain.by_pe, strict=True)},
        "waited": plain.waited,
        "occupancy_max": plain.most_waiting,
        "delivered_tokens": plain.delivered,
        "dropped_tokens": plain.dropped,
        "operations": plain.operations,
        "pushes": plain.pushes,
    }
