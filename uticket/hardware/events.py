"""The event model: cycles of this mask under these spikes, on PEs that one broadcaster serves.

Groups and tiles run one after another, with a barrier between them. In between, the array obeys the recurrence of
`uticket.hardware.recurrence`: activations are sent to all PEs of a group, which keep up to a few of them in a FIFO.
Source: facts of the hardware model, sections 2 to 4 and 7.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.config.array import Array, Broadcast
from uticket.hardware.layer_events import LayerEvents
from uticket.hardware.recurrence import TileRun, private, window
from uticket.hardware.tiles import tiles_of
from uticket.hardware.timing import LayerTiming
from uticket.hardware.tokens import Tokens, tokens_of
from uticket.mapping.placed import Placed
from uticket.mapping.policies import Ints
from uticket.ticket.ticket import Ticket

UNLIMITED = 2**62  # more than there are tokens


def events(placed: Placed, ticket: Ticket, array: Array, broadcast: Broadcast) -> LayerTiming:
    """Return how a layer runs under the spikes of the ticket, all images one after another.

    Raises InputError, naming the layer, if the ticket has no spikes of it.
    """
    layer = placed.layer
    if layer.name not in (ticket.spikes or {}):
        of = f"(images, {ticket.timesteps}, {layer.channels}, {layer.input_size[0]}, {layer.input_size[1]})"
        raise InputError(f"layer {layer.name!r}: expected spikes of shape {of}, got none")
    found = layer_events(placed, (ticket.spikes or {})[layer.name], array.accumulators, broadcast)
    return LayerTiming(found.timing(), found.by_pe())


def layer_events(placed: Placed, spikes: NDArray[np.bool_], accumulators: int, broadcast: Broadcast) -> LayerEvents:
    """Run one layer; spikes: (images, T, channels, height, width), accumulators: of a PE."""
    groups, tiles = [*group_weights(placed)], tiles_of(placed, accumulators)
    result = LayerEvents.nothing_yet(placed.layer.name, len(spikes), len(groups), placed.pes)
    for image in spikes:
        arriving = {
            copies: tokens_of(placed.layer, image, cuts, broadcast.token_cost) for copies, cuts in tiles.items()
        }
        for group, weights in enumerate(groups):
            tokens = arriving[int(placed.copies[group])]
            delivered = int(tokens.num[weights.wanted].sum())
            result.delivered_tokens += delivered
            result.dropped_tokens += len(tokens.cost) - delivered
            result.operations += int((tokens.spikes[weights.key] * weights.times).sum())
            result.pushes += int(tokens.num[weights.key].sum()) if broadcast.fifo_depth else 0
            for tile in range(tokens.tiles.num_tiles):
                result.add(group, run_tile(weights, tokens, tile, placed.pes, broadcast))
    return result


@dataclass(frozen=True)
class GroupWeights:
    """The weights of one group, in the order in which tokens arrive."""

    key: Ints  # (held,), kernel position (`uticket.hardware.tokens`), ascending
    pe: Ints  # (held,), ascending for each key
    times: Ints  # (held,), weights of this PE at this position: one for each of its filters
    pes: int  # PEs that the filters of the group take

    @cached_property
    def wanted(self) -> Ints:
        """The kernel positions for which a PE has a weight, ascending."""
        return np.unique(self.key)


def group_weights(placed: Placed) -> Iterator[GroupWeights]:
    """Return what the PEs of each group hold of a layer."""
    keys = placed.mask[0].size
    kept = np.flatnonzero(placed.mask)
    unit = placed.unit_of(kept)
    place = (placed.group[unit] * keys + kept % keys) * placed.pes + placed.pe[unit]
    places, times = np.unique(place, return_counts=True)
    edges = np.searchsorted(places, np.arange(placed.num_groups + 1) * keys * placed.pes)
    for group, used in enumerate(placed.used_pes.tolist()):
        of_group = slice(edges[group], edges[group + 1])
        key, pe = np.divmod(places[of_group] - group * keys * placed.pes, placed.pes)
        yield GroupWeights(key, pe, times[of_group], used)


def run_tile(weights: GroupWeights, tokens: Tokens, tile: int, pes: int, broadcast: Broadcast) -> TileRun:
    """Run one group on one tile; its copies, each on PEs of its own, take their parts of the outputs."""
    copies = np.arange(tokens.tiles.copies)
    parts = tile * len(copies) + copies
    pe = weights.pe[:, np.newaxis] + copies * weights.pes  # of each weight in each copy
    depth = int(min(broadcast.fifo_depth, UNLIMITED))
    keys = weights.wanted if broadcast.skip_unwanted else np.arange(len(tokens.num))
    if broadcast.granularity == "token":
        runs = (_by_position if broadcast.order == "position" else _by_activation)(weights, tokens, tile, broadcast)
        receiving = pe.T.ravel(), np.tile(weights.times, len(copies))
        width = 0 if math.isinf(broadcast.width) else int(min(broadcast.width, UNLIMITED))
        return private(tokens.cost, *runs, *receiving, pes, depth, width)
    chunk = np.arange(len(tokens.num)) // (tokens.kernel if broadcast.granularity == "channel" else len(tokens.num))
    sent = np.bincount(chunk[keys], tokens.num[keys][:, parts].sum(axis=1), minlength=chunk[-1] + 1)
    work = np.zeros((len(sent), pes), dtype=np.int64)
    np.add.at(
        work,
        (chunk[weights.key][:, np.newaxis], pe),
        tokens.cycles[weights.key][:, parts] * weights.times[:, np.newaxis],
    )
    sending = np.ceil(sent / broadcast.width).astype(np.int64)
    return window(work[sent > 0], sending[sent > 0], depth)


Runs = tuple[Ints, Ints, Ints, Ints]  # of tokens for the same PEs: first token, end, first receiving weight, end


def _by_position(weights: GroupWeights, tokens: Tokens, tile: int, broadcast: Broadcast) -> Runs:
    """Return what is sent in a tile, kernel position by kernel position, a run for each copy."""
    copies = np.arange(tokens.tiles.copies)
    keys = weights.wanted if broadcast.skip_unwanted else np.arange(len(tokens.num))
    at = [np.searchsorted(weights.key, keys, side) for side in ("left", "right")]
    first, last = (place[:, np.newaxis] + copies * len(weights.key) for place in at)
    begin, end = (edge[keys][:, tile * len(copies) + copies].ravel() for edge in (tokens.begin, tokens.end))
    return begin, end, first.ravel(), last.ravel()


def _by_activation(weights: GroupWeights, tokens: Tokens, tile: int, broadcast: Broadcast) -> Runs:
    """Return what is sent in a tile, activation by activation, a run for each token."""
    sent = tokens.by_activation[tile]
    edges = np.searchsorted(weights.key, np.arange(len(tokens.num) + 1))  # of the weights of each key
    of_copy = tokens.part[sent] % tokens.tiles.copies * len(weights.key)
    first, last = edges[tokens.key[sent]], edges[tokens.key[sent] + 1]
    chosen = last > first if broadcast.skip_unwanted else np.ones(len(sent), dtype=bool)
    sent, of_copy = sent[chosen], of_copy[chosen]
    return sent, sent + 1, first[chosen] + of_copy, last[chosen] + of_copy


MODELS: dict[str, Callable[[Placed, Ticket, Array, Broadcast], LayerTiming]] = {"events": events}
