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
few, fewer = st.integers(1, 3), st.integers(1, 2)


@st.composite
def convolutions(draw, channels=few) -> Layer:
    """A two-dimensional convolution, neither grouped nor dilated, that reads spikes."""
    kernel = draw(st.sampled_from([(1, 1), (3, 3), (2, 3)]))
    size = draw(st.tuples(st.integers(kernel[0], 5), st.integers(kernel[1], 5)))
    stride = draw(st.sampled_from([(1, 1), (2, 1), (2, 2)]))
    padding = draw(st.sampled_from([(0, 0), (1, 1)]))
    return layer_of(draw(st.integers(1, 6)), draw(channels), size, kernel, stride, padding)


@st.composite
def layers_of_every_kind(draw, group_channels=fewer, padded=True) -> Layer:
    """Grouped, depthwise, dilated and one-dimensional convolutions and linear layers, which may read counts."""
    groups, of_group = draw(st.integers(1, 4)), draw(group_channels)
    filters = groups * draw(st.integers(1, 3))
    reads = draw(st.sampled_from(["spikes", "counts"]))
    kind = draw(st.sampled_from(["two dimensions", "two dimensions", "one dimension", "linear"]))
    if kind == "linear":
        linear = Layer.of_shape("conv2", (filters, groups * of_group)).in_one_row(draw(st.integers(1, 5)))
        return linear.model_copy(update={"reads": reads})
    flat = kind == "one dimension"
    kernel = (1 if flat else draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    dilation = (1 if flat else draw(st.integers(1, 2)), draw(st.integers(1, 3)))
    padding = (0 if flat or not padded else draw(st.integers(0, 1)), draw(st.integers(0, 1)) if padded else 0)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for d, k, p in zip(dilation, kernel, padding, strict=True)]
    size = (1 if flat else least[0] + draw(st.integers(0, 2)), least[1] + draw(st.integers(0, 3)))
    stride = (1 if flat else draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    others = {"dilation": dilation, "groups": groups, "reads": reads}
    return layer_of(filters, groups * of_group, size, kernel, stride, padding, **others)


@st.composite
def cases(draw, dataflows=any_dataflow, channels=few, layers=None) -> Case:
    """A layer, its mask and spikes for T = 3, an array and a broadcast."""
    layer = draw(convolutions(channels) if layers is None else layers)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    mask = rng.random(layer.weight_shape) < draw(st.sampled_from([0.05, 0.3, 1.0]))
    shape = draw(st.integers(1, 2)), 3, layer.channels, *layer.input_size
    spikes = rng.random(shape) < draw(st.sampled_from([0.0, 0.2, 1.0]))
    if layer.reads == "counts":
        spikes = spikes * rng.integers(1, 4, shape, dtype=np.uint8)
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
    (placed,) = place(Ticket([layer], {layer.name: mask}).choose("all"), array)
    return placed


def run(layer: Layer, mask: np.ndarray, spikes: np.ndarray, array: Array, broadcast: Broadcast) -> LayerEvents:
    """Run a layer by the event model."""
    return layer_events(placed_on(layer, mask, array), spikes, array, broadcast)


def place_of(layer: Layer, row: int, column: int, y: int, x: int) -> tuple[int, int]:
    """The place in the padded input that the output (y, x) reads through one kernel position."""
    return y * layer.stride[0] + row * layer.dilation[0], x * layer.stride[1] + column * layer.dilation[1]


def live(layer: Layer, image: np.ndarray, channel: int, row: int, column: int, y: int, x: int) -> list[int]:
    """Spikes that the output (y, x) receives through one kernel position, by turn: a count of k is sent k times."""
    at = [n - pad for n, pad in zip(place_of(layer, row, column, y, x), layer.padding, strict=True)]
    if not all(0 <= n < size for n, size in zip(at, layer.input_size, strict=True)):
        return []
    counts = [int(n) for n in image[:, channel, at[0], at[1]]]
    return [sum(n > turn for n in counts) for turn in range(max(counts))]


class Plain:
    """What a layer costs, in plain loops over everything; the array is stepped through cycle by cycle."""

    def __init__(self, layer, mask, array, broadcast) -> None:
        self.layer, self.array, self.broadcast = layer, array, broadcast
        self.mask = mask.reshape(layer.filters, -1, *layer.kernel)
        self.placed = placed_on(layer, mask, array)
        self.group_channels = layer.channels // layer.groups
        self.keys = [*product(range(layer.channels), *(range(n) for n in layer.kernel))]
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
                to = held.setdefault((self.first_channel(f) + c, i, j), {})
                to[int(self.placed.pe[unit])] = to.get(int(self.placed.pe[unit]), 0) + 1
        return held

    def first_channel(self, filter_: int) -> int:
        """The first of the channels that a filter reads."""
        return filter_ // (self.layer.filters // self.layer.groups) * self.group_channels

    def reads(self, group: int) -> dict[int, dict[int, int]]:
        """PE -> first channel of each group of channels -> filters (or slices) that read from them."""
        reads = {}
        for unit in range(len(self.placed.group)):
            if self.placed.group[unit] == group:
                of_pe = reads.setdefault(int(self.placed.pe[unit]), {})
                first = self.first_channel(unit // self.per_unit)
                of_pe[first] = of_pe.get(first, 0) + 1
        return reads

    def start(self, channel: int) -> int:
        """The first channel of the group that a channel is part of."""
        return channel - channel % self.group_channels

    def used(self, group: int) -> int:
        placed = self.placed
        return len({int(placed.pe[u]) for u in range(len(placed.group)) if placed.group[u] == group})

    def drain(self, outputs: int) -> int:
        return math.ceil(outputs * self.filters / self.array.drain_width)

    def send(self, image, held, here, first_pe, reads) -> TileRun:
        """Run outputs by one sender; first_pe: of each output, where its copy of the group begins; reads: by PE."""
        layer, broadcast = self.layer, self.broadcast
        idle = dict.fromkeys(range(self.array.pes), 0)
        items, channels, slots = [], {}, {}
        for c in range(layer.channels if self.swap else 0):  # every PE changes its weights before each of its channels
            active = [p for p in reads if self.start(c) in reads[p]]
            if not active:
                continue
            items.append(((c,), dict.fromkeys(active, self.swap)))
            chunk = c if broadcast.granularity == "channel" else 0
            slots.setdefault(chunk, 0)
            for p in active:
                channels.setdefault(chunk, dict(idle))[p] += self.swap
        reached = {first for of_pe in reads.values() for first in of_pe}
        for c, i, j in [key for key in self.keys if self.start(key[0]) in reached]:
            to = held.get((c, i, j), {})
            sendings = [
                (y, x, first, count)
                for (y, x), first in zip(here, first_pe, strict=True)
                for count in live(layer, image, c, i, j, y, x)
            ]
            for y, x, first, count in sendings:
                self.delivered, self.dropped = self.delivered + bool(to), self.dropped + (not to)
                self.operations += count * sum(to.values())
                self.pushes += len(to) if broadcast.fifo_depth else 0
                if not to and broadcast.skip_unwanted:
                    continue
                receiving = {first + p: COSTS[broadcast.token_cost][count] * n for p, n in to.items()}
                at = place_of(layer, i, j, y, x)
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

    def swaps(self, reads: dict[int, int]) -> int:
        """Cycles in which a PE changes weights in a tile."""
        return self.swap * self.group_channels * len(reads)

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
            reads = {p + copy * used: of for copy in range(copies) for p, of in self.reads(group).items()}
            step = self.send(image, held, here, [nth // share * used for nth in range(len(here))], reads)
            drain = self.drain(share)
            swaps = np.array([self.swaps(reads.get(p, {})) for p in range(array.pes)])
            drains = np.array([drain * (p in reads) for p in range(array.pes)])
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
                (reads,) = self.reads(group).values()
                step = self.send(image, held[group], here, [p] * len(here), {p: reads})
                swaps, drain = self.swaps(reads), self.drain(min(piece, share - start))
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
        reads = self.reads(group)
        items, sending, scans = [], [], np.zeros(pes, dtype=int)
        for nth in range(share):
            item, slots = dict.fromkeys(range(pes), 0), 0
            patches = product(enumerate(self.outputs[nth::share]), {first: 0 for of in reads.values() for first in of})
            for (copy, (y, x)), start in patches:
                keys = [key for key in self.keys if self.start(key[0]) == start]
                readers = [p for p in reads if start in reads[p]]
                counts = [live(layer, image, *key, y, x) for key in keys]
                wanted = [bool(held.get(key)) for key in keys]
                sent = [
                    n
                    for turns, wants in zip(counts, wanted, strict=True)
                    for n in turns
                    if wants or not broadcast.skip_unwanted
                ]
                slots += len(sent)
                self.pushes += len(sent) * len(readers) if broadcast.fifo_depth else 0
                for turns, wants, key in zip(counts, wanted, keys, strict=True):
                    self.delivered, self.dropped = (
                        self.delivered + len(turns) * wants,
                        self.dropped + len(turns) * (not wants),
                    )
                    self.operations += sum(turns) * sum(held.get(key, {}).values())
                for p in readers if sent else ():
                    filters = reads[p][start]
                    for begin in range(0, len(keys), 128):
                        of = zip(counts[begin : begin + 128], keys[begin : begin + 128], strict=True)
                        cost = COSTS[broadcast.token_cost]
                        matches = sum(cost[n] * held.get(key, {}).get(p, 0) for turns, key in of for n in turns)
                        item[copy * used + p] += max(matches, filters)
                        scans[copy * used + p] += max(filters - matches, 0)
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
