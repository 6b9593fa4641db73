"""The event model: cycles of this mask under these spikes, on PEs behind one broadcaster.

Groups and tiles run one after another, with a barrier between them. In between, the array obeys the recurrence of
`uticket.hardware.recurrence`: activations are sent to all PEs of a group, which keep up to a few of them in a FIFO.
Source: facts of the hardware model, sections 2 to 4 and 7.
"""

import math
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Named
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.config.names import Granularity, TokenCost
from uticket.hardware.cycles import group_copies, group_utilization
from uticket.hardware.recurrence import Run, private, window
from uticket.hardware.tokens import Tokens, cut, outputs_of_a_pe, tokens_of
from uticket.mapping.mapping import Array, Ints, Mapping, map_layers
from uticket.ticket.layer import Layer
from uticket.ticket.spikes import load_spikes

Spikes = NDArray[np.bool_]
UNLIMITED = 2**62  # more than there are tokens


@dataclass(frozen=True)
class Broadcast:
    """How activations reach the PEs."""

    granularity: Granularity = "token"  # what is sent at a time
    fifo_depth: float = math.inf  # tokens, or channels, that a PE may lag behind
    broadcast_width: float = math.inf  # tokens sent in a cycle at most; inf is an ideal activation processing unit
    token_cost: TokenCost = "timesteps"  # cycles that a token takes a PE for each weight
    accumulators: int = 256  # outputs in a tile of each PE
    skip_unwanted: bool = True  # tokens for which no PE of the group has a weight are not sent


@dataclass
class LayerEvents:
    """What one layer cost, summed over images. By PE: work + starved + blocked + tail = latency."""

    layer: str
    images: int
    latency: Ints  # (groups,), cycles
    work_by_group: Ints  # (groups,), PE-cycles with an operation
    work: Ints  # (pes,), cycles with an operation
    starved: Ints  # (pes,), waiting for the broadcaster, which was sending something else
    blocked: Ints  # (pes,), waiting for the broadcaster, which was waiting for room in the FIFO of another PE
    tail: Ints  # (pes,), waiting for the end of the tile, with nothing left to do
    waited: int  # cycles that tokens (or channels) waited in FIFOs, summed
    occupancy_max: int  # the most of them in one FIFO at a time
    delivered_tokens: int  # tokens for which a PE of the group has a weight, counted for each group
    dropped_tokens: int  # tokens for which none has
    operations: int  # weights that met a spike

    @classmethod
    def nothing_yet(cls, layer: str, images: int, groups: int, pes: int) -> "LayerEvents":
        """Return a layer before it runs."""
        by_group, by_pe = (lambda: np.zeros(groups, np.int64)), (lambda: np.zeros(pes, np.int64))
        return cls(
            layer=layer,
            images=images,
            latency=by_group(),
            work_by_group=by_group(),
            work=by_pe(),
            starved=by_pe(),
            blocked=by_pe(),
            tail=by_pe(),
            waited=0,
            occupancy_max=0,
            delivered_tokens=0,
            dropped_tokens=0,
            operations=0,
        )

    @property
    def latency_cycles(self) -> int:
        """Cycles of all groups and tiles."""
        return int(self.latency.sum())

    @property
    def work_cycles(self) -> int:
        """PE-cycles with an operation."""
        return int(self.work.sum())

    @property
    def idle_cycles(self) -> int:
        """PE-cycles without one."""
        return len(self.work) * self.latency_cycles - self.work_cycles

    @property
    def busy_share(self) -> float:
        """Work / (work + idle), in [0, 1]; 1 if nothing was to be done."""
        return self.work_cycles / (len(self.work) * self.latency_cycles) if self.latency_cycles else 1.0

    @property
    def utilization(self) -> float:
        """Eq. 2 with the latency of a group as that of its busiest PE, in [0, 1]; mean over groups with work.

        Where the PEs wait so long for the broadcaster that one PE could have done all the work, it is 0.
        """
        pes, with_work = len(self.work), self.work_by_group > 0
        by_group = group_utilization(self.latency[with_work], self.work_by_group[with_work], pes)
        return float(np.maximum(by_group, 0).mean()) if with_work.any() else 1.0

    @property
    def occupancy_mean(self) -> float:
        """Tokens (or channels) in a FIFO, mean over time and PEs."""
        return self.waited / (len(self.work) * self.latency_cycles) if self.latency_cycles else 0.0


def simulate_events(
    layers: Sequence[Layer],
    masks: Named[str, NDArray[np.bool_]],
    spikes: Named[str, Spikes],
    timesteps: int,
    array: Array,
    broadcast: Broadcast,
) -> Iterator[LayerEvents]:
    """Run each of `layers` on the array, all images one after another.

    masks: layer name -> 0/1 array of what the array holds. spikes: layer name -> its input, boolean array (images,
    timesteps, channels, height, width). Raises InputError, naming the layer and both shapes, if they do not fit.
    """
    spikes = fitting(spikes, layers, timesteps)
    for layer, mapping in zip(layers, map_layers(layers, masks, array).values(), strict=True):
        yield layer_events(layer, masks[layer.name], mapping, spikes[layer.name], array, broadcast)


def fitting(spikes: Named[str, Spikes], layers: Sequence[Layer], timesteps: int) -> dict[str, Spikes]:
    """Return the spikes of each of `layers`, by name.

    Raises InputError if there are none, of another shape than the layer reads, or of fewer images than other layers'.
    """
    found: dict[str, Spikes] = {}
    images = "images"
    for layer in layers:
        height, width = layer.input_size
        expected = f"spikes of shape ({images}, {timesteps}, {layer.channels}, {height}, {width})"
        if layer.name not in spikes:
            raise InputError(f"layer {layer.name!r}: expected {expected}, came none")
        values = spikes[layer.name]
        right = values.ndim == 5 and values.shape[1:] == (timesteps, layer.channels, height, width)
        if not right or not len(values) or images not in ("images", str(len(values))):
            raise InputError(f"layer {layer.name!r}: expected {expected}, came {values.shape}")
        found[layer.name], images = values, str(len(values))
    return found


def read_spikes(path: Path, layers: Sequence[Layer], timesteps: int) -> dict[str, Spikes]:
    """Read the spikes of `layers` from a file (activity.npz). Raises InputError, naming it, if they do not fit."""
    spikes = load_spikes(path)
    try:
        return fitting(spikes, layers, timesteps)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def layer_events(
    layer: Layer, mask: NDArray[np.bool_], mapping: Mapping, spikes: Spikes, array: Array, broadcast: Broadcast
) -> LayerEvents:
    """Run one layer; spikes: (images, T, channels, height, width)."""
    copies = group_copies(mapping, layer.positions, array.spare_pes)
    groups = [*held_weights(mask, mapping)]
    result = LayerEvents.nothing_yet(layer.name, len(spikes), len(groups), mapping.pes)
    outputs = outputs_of_a_pe(layer, mapping, broadcast.accumulators)
    tiles = [cut(layer.output_size, outputs, number) for number in sorted(set(copies.tolist()))]
    for image in spikes:
        arriving = {cuts.copies: tokens_of(layer, image, cuts, broadcast.token_cost) for cuts in tiles}
        for group, held in enumerate(groups):
            tokens = arriving[int(copies[group])]
            delivered = int(tokens.num[held.wanted].sum())
            result.delivered_tokens += delivered
            result.dropped_tokens += len(tokens.cost) - delivered
            result.operations += int((tokens.spikes[held.key] * held.times).sum())
            for tile in range(tokens.tiles.num_tiles):
                _add(result, group, run_tile(held, tokens, tile, mapping.pes, broadcast))
    return result


@dataclass(frozen=True)
class Held:
    """The weights of one group, in the order in which tokens come."""

    key: Ints  # (held,), kernel position (`uticket.hardware.tokens`), ascending
    pe: Ints  # (held,), ascending for each key
    times: Ints  # (held,), weights of this PE at this position: one for each of its filters
    pes: int  # PEs that the filters of the group take

    @cached_property
    def wanted(self) -> Ints:
        """The kernel positions for which a PE has a weight, ascending."""
        return np.unique(self.key)


def held_weights(mask: NDArray[np.bool_], mapping: Mapping) -> Iterator[Held]:
    """Return what the PEs of each group hold of a layer; mask: (filters, channels, height, width)."""
    keys = mask[0].size
    kept = np.flatnonzero(mask)
    unit = kept // (mask.size // len(mapping.group))
    place = (mapping.group[unit] * keys + kept % keys) * mapping.pes + mapping.pe[unit]
    places, times = np.unique(place, return_counts=True)
    edges = np.searchsorted(places, np.arange(mapping.num_groups + 1) * keys * mapping.pes)
    for group, used in enumerate(mapping.used_pes().tolist()):
        of_group = slice(edges[group], edges[group + 1])
        key, pe = np.divmod(places[of_group] - group * keys * mapping.pes, mapping.pes)
        yield Held(key, pe, times[of_group], used)


def run_tile(held: Held, tokens: Tokens, tile: int, pes: int, broadcast: Broadcast) -> Run:
    """Run one group on one tile; its copies, each on PEs of its own, take their parts of the outputs."""
    copies = np.arange(tokens.tiles.copies)
    parts = tile * len(copies) + copies
    pe = held.pe[:, np.newaxis] + copies * held.pes  # of each weight in each copy
    depth = int(min(broadcast.fifo_depth, UNLIMITED))
    keys = held.wanted if broadcast.skip_unwanted else np.arange(len(tokens.num))
    if broadcast.granularity == "token":
        receivers = [np.searchsorted(held.key, keys, side) for side in ("left", "right")]
        first, last = (place[:, np.newaxis] + copies * len(held.key) for place in receivers)
        begin, end = (edge[keys][:, parts].ravel() for edge in (tokens.begin, tokens.end))
        weights = pe.T.ravel(), np.tile(held.times, len(copies))
        width = 0 if math.isinf(broadcast.broadcast_width) else int(min(broadcast.broadcast_width, UNLIMITED))
        return private(tokens.cost, begin, end, first.ravel(), last.ravel(), *weights, pes, depth, width)
    chunk = np.arange(len(tokens.num)) // (tokens.kernel if broadcast.granularity == "channel" else len(tokens.num))
    sent = np.bincount(chunk[keys], tokens.num[keys][:, parts].sum(axis=1), minlength=chunk[-1] + 1)
    work = np.zeros((len(sent), pes), dtype=np.int64)
    np.add.at(work, (chunk[held.key][:, np.newaxis], pe), tokens.cycles[held.key][:, parts] * held.times[:, np.newaxis])
    sending = np.ceil(sent / broadcast.broadcast_width).astype(np.int64)
    return window(work[sent > 0], sending[sent > 0], depth)


def _add(result: LayerEvents, group: int, run: Run) -> None:
    """Add what happened in one tile of a group."""
    result.latency[group] += run.latency
    result.work_by_group[group] += run.work.sum()
    result.work += run.work
    result.starved += run.starved
    result.blocked += run.blocked
    result.tail += run.tail
    result.waited += run.waited
    result.occupancy_max = max(result.occupancy_max, run.most_waiting)
