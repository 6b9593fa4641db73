"""One group of filters on one tile: what its PEs hold, what is sent to them, and what comes of it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from uticket.config.array import Broadcast
from uticket.hardware.recurrence import TileRun, private, window
from uticket.hardware.runs import Runs, by_activation, by_position
from uticket.hardware.streams import private_streams, windows
from uticket.hardware.tokens import Tokens
from uticket.mapping.placed import Bools, Placed
from uticket.mapping.policies import Ints

UNLIMITED = 2**62  # more than there are tokens


@dataclass(frozen=True)
class GroupWeights:
    """The weights of one group, in the order in which tokens arrive."""

    key: Ints  # (held,), kernel position (`uticket.hardware.tokens`), ascending
    pe: Ints  # (held,), ascending for each key
    times: Ints  # (held,), weights of this PE at this position: one for each of its filters
    pes: int  # PEs that the filters of the group take

    def active(self, copies: int, pes: int) -> Bools:
        """Return which of the PEs of the array take part, with that number of copies of the group, shape (pes,)."""
        return np.arange(pes) < self.pes * copies

    @cached_property
    def wanted(self) -> Ints:
        """The kernel positions for which a PE has a weight, ascending."""
        return np.unique(self.key)

    def sent(self, tokens: Tokens, skip_unwanted: bool) -> Ints:
        """Return the tokens that are sent for each part of the outputs, shape (parts,)."""
        sent: Ints = (tokens.num[self.wanted] if skip_unwanted else tokens.num).sum(axis=0)
        return sent


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


def _runs(weights: GroupWeights, tokens: Tokens, tile: int, broadcast: Broadcast) -> Runs:
    """Return what is sent in a tile, in the order of the broadcast."""
    copies, skip = tokens.tiles.copies, broadcast.skip_unwanted
    if broadcast.order == "position":
        return by_position(weights.key, tokens.begin, tokens.end, tile, copies, skip)
    of_token = tokens.by_activation[tile], tokens.key, tokens.part
    return by_activation(weights.key, *of_token, len(tokens.num), copies, skip)


def _with_swaps(runs: Runs, tokens: Tokens, receivers: Ints, streams: int) -> Runs:
    """Return runs with a change of weights before each input channel: a token of its own, after those of `tokens`.

    receivers: where the receiving weights of a change begin, one of each PE that takes part, and the end, in each of
    the streams: (streams + 1,).
    """
    keys = np.repeat(np.arange(0, len(tokens.num), tokens.kernel), streams)  # the first of each channel
    of = np.resize(np.arange(streams), len(keys))
    before, token = np.searchsorted(runs.key, keys), np.full_like(keys, len(tokens.cost))
    marker = keys, of, token, token + 1, receivers[of], receivers[of + 1]
    return Runs(*(np.insert(run, before, value) for run, value in zip(runs, marker, strict=True)))


def run_tile(
    weights: GroupWeights,
    tokens: Tokens,
    tile: int,
    pes: int,
    broadcast: Broadcast,
    swap: int = 0,
    own_streams: bool = False,
) -> tuple[TileRun, Ints]:
    """Run one group on one tile; its copies, each on PEs of its own, take their parts of the outputs.

    swap: cycles in which every PE that takes part changes its weights, before each input channel. own_streams: each
    copy is one PE with a sender of its own. Returns what happened, with the work of the PEs alone, and the cycles of
    changing weights of each PE, shape (pes,).
    """
    copies = tokens.tiles.copies
    streams = copies if own_streams else 1
    pe = weights.pe[:, np.newaxis] + np.arange(copies) * weights.pes  # of each weight in each copy
    active = weights.active(copies, pes)
    swaps = active * (swap * (len(tokens.num) // tokens.kernel))
    depth = int(min(broadcast.fifo_depth, UNLIMITED))
    if broadcast.granularity == "token":
        runs = _runs(weights, tokens, tile, broadcast)
        receiving, times, cost = pe.T.ravel(), np.tile(weights.times, copies), tokens.cost
        if swap:
            changing = np.flatnonzero(active)
            edges = len(receiving) + np.arange(streams + 1) * (len(changing) // streams)
            runs = _with_swaps(runs, tokens, edges, streams)
            receiving, times = np.append(receiving, changing), np.append(times, np.ones_like(changing))
            cost = np.append(cost, np.uint16(swap))
        width = 0 if math.isinf(broadcast.width) else int(min(broadcast.width, UNLIMITED))
        if own_streams:
            run = private_streams(cost, *runs[1:], receiving, times, pes, copies, depth, width)
        else:
            run = private(cost, *runs[2:], receiving, times, pes, depth, width)
    else:
        work, sent = _chunks(weights, tokens, tile, pe, broadcast, active * swap, streams)
        sending, taken = np.ceil(sent / broadcast.width).astype(np.int64), (sent > 0) | (swap > 0)
        if own_streams:
            run = windows(work, sending, taken, depth)
        else:
            run = window(work[taken[:, 0]], sending[taken[:, 0], 0], depth)
    return run._replace(work=run.work - swaps), swaps


def _chunks(
    weights: GroupWeights, tokens: Tokens, tile: int, pe: Ints, broadcast: Broadcast, swap: Ints, streams: int
) -> tuple[Ints, Ints]:
    """Return the work of each PE with each channel, or with the whole tile, and the tokens sent in each stream."""
    parts = tile * pe.shape[1] + np.arange(pe.shape[1])
    keys = weights.wanted if broadcast.skip_unwanted else np.arange(len(tokens.num))
    channels = len(tokens.num) // tokens.kernel
    of_channel = np.arange(channels) if broadcast.granularity == "channel" else np.zeros(channels, np.int64)
    chunk = np.repeat(of_channel, tokens.kernel)
    sent = np.zeros((chunk[-1] + 1, streams), np.int64)
    np.add.at(
        sent, chunk[keys], tokens.num[keys][:, parts].reshape(len(keys), streams, len(parts) // streams).sum(axis=2)
    )
    work = np.bincount(of_channel)[:, np.newaxis] * swap
    cycles = tokens.cycles[weights.key][:, parts] * weights.times[:, np.newaxis]
    np.add.at(work, (chunk[weights.key][:, np.newaxis], pe), cycles)
    return work, sent
