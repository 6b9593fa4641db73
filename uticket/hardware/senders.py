"""A sender and the PEs that it serves, through all tiles of all groups, compiled.

Tokens are sent to those PEs that hold a weight for them (`private` of the recurrence), chunks of them to all PEs
(`window`).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uticket.base.compiled import compiled
from uticket.hardware.groups import Groups
from uticket.hardware.recurrence import private, window
from uticket.hardware.runs import Runs
from uticket.hardware.stretches import Stretches, add
from uticket.mapping.placed import Bools
from uticket.mapping.policies import Ints


@compiled
def send_tokens(
    ran: Stretches,
    groups: Groups,
    copies: int,
    runs: Runs,
    cost: NDArray[np.uint16],
    keys: int,
    kernel: int,
    swap: int,
    depth: int,
    width: int,
    skip_unwanted: bool,
) -> None:
    """Send tokens, and add what happens to `ran`.

    cost: (tokens + 1,), cycles of each for each weight, and those of a change of weights of one channel. kernel: keys
    of a channel. swap: cycles of a change. depth, width: as for `private`. skip_unwanted: leave out the kernel
    positions for which a group has no weight; those of channels from which it does not read are never sent.
    """
    pes, one_chunk = ran.work.shape[1], np.zeros(keys, np.int64)
    for nth in range(len(groups.number)):
        swaps = _changes(groups, nth, copies, one_chunk, kernel, swap, pes)[0]
        to, reached = _receivers(groups, nth, copies, keys), _reached(groups, nth)
        for tile in range(len(runs.edges) - 1):
            wanted = _wanted(runs, tile, to, reached, keys, skip_unwanted)
            add(ran, groups.number[nth], tile, private(cost, *wanted, to.pe, to.times, pes, depth, width), swaps)


class _Receivers(NamedTuple):
    """The weights of all copies of a group, copy by copy, and then the changes of weights, by group of channels."""

    pe: Ints  # (receivers,)
    times: Ints  # (receivers,), weights that each stands for
    first: Ints  # (keys + channel groups,), the first of each kernel position in the first copy, and of the changes
    last: Ints  # (keys + channel groups,), the end
    held: int  # weights of a copy


@compiled
def _receivers(groups: Groups, nth: int, copies: int, keys: int) -> _Receivers:
    begin, held, used = groups.begin[nth], groups.begin[nth + 1] - groups.begin[nth], groups.pes[nth]
    of_copy, reads = slice(begin, begin + held), groups.reads[nth]
    num = copies * (held + reads.sum())
    pe, times = np.empty(num, np.int64), np.ones(num, np.int64)
    for copy in range(copies):
        pe[copy * held : (copy + 1) * held] = groups.pe[of_copy] + copy * used
        times[copy * held : (copy + 1) * held] = groups.times[of_copy]
    last = np.zeros(keys + reads.shape[1], np.int64)
    for key in groups.key[of_copy]:
        last[key] += 1
    last = np.cumsum(last)
    first = np.append(0, last[:-1])
    at = copies * held
    for channels in range(reads.shape[1]):
        first[keys + channels] = at
        for copy in range(copies):
            for p in np.flatnonzero(reads[:, channels]):
                pe[at] = p + copy * used
                at += 1
        last[keys + channels] = at
    return _Receivers(pe, times, first, last, held)


@compiled
def _changes(groups: Groups, nth: int, copies: int, chunk: Ints, kernel: int, swap: int, pes: int) -> Ints:
    """Return the cycles in which each PE changes its weights for the channels of each chunk, shape (chunks, pes).

    A PE changes them for each channel that its filters read from. chunk: (keys,). kernel: keys of a channel.
    """
    reads = groups.reads[nth]
    of_channels = len(chunk) // reads.shape[1]
    changing = np.zeros((chunk[-1] + 1, pes), np.int64)
    for p in range(groups.pes[nth] if swap else 0):
        for channels in np.flatnonzero(reads[p]):
            for key in range(channels * of_channels, (channels + 1) * of_channels, kernel):
                for copy in range(copies):
                    changing[chunk[key], p + copy * groups.pes[nth]] += swap
    return changing


@compiled
def _reached(groups: Groups, nth: int) -> Bools:
    """Return from which groups of channels a group reads, shape (groups of channels,)."""
    reads = groups.reads[nth]
    reached = np.zeros(reads.shape[1], np.bool_)
    for p in range(groups.pes[nth]):
        reached |= reads[p]
    return reached


@compiled
def _wanted(
    runs: Runs, tile: int, to: _Receivers, reached: Bools, keys: int, skip_unwanted: bool
) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the runs that are sent to a group in a tile as `private` takes them."""
    wanted = np.empty((4, runs.edges[tile + 1] - runs.edges[tile]), np.int64)
    of_channels = keys // len(reached)
    num = 0
    for run in range(runs.edges[tile], runs.edges[tile + 1]):
        key = runs.key[run]
        first, last, of_copy = to.first[key], to.last[key], runs.copy[run] * to.held
        channels = key // of_channels if key < keys else key - keys
        if first == last and (skip_unwanted or not reached[channels]):
            continue
        wanted[0, num], wanted[1, num] = runs.begin[run], runs.end[run]
        wanted[2, num], wanted[3, num] = first + of_copy, last + of_copy
        num += 1
    return wanted[0, :num], wanted[1, :num], wanted[2, :num], wanted[3, :num]


@compiled
def send_chunks(
    ran: Stretches,
    groups: Groups,
    copies: int,
    num: Ints,
    cycles: Ints,
    chunk: Ints,
    kernel: int,
    swap: int,
    depth: int,
    width: int,
    skip_unwanted: bool,
) -> None:
    """Send chunks of tokens, and add what happens to `ran`.

    num, cycles: (keys, parts), of the tokens; tile t has the parts from t * copies on. chunk: (keys,), ascending.
    depth: chunks by which a PE may be late. kernel, swap, width, skip_unwanted: as for `send_tokens`.
    """
    pes = ran.work.shape[1]
    for nth in range(len(groups.number)):
        held = range(groups.begin[nth], groups.begin[nth + 1])
        changing = _changes(groups, nth, copies, chunk, kernel, swap, pes)
        swaps, changed = changing.sum(axis=0), changing.sum(axis=1) > 0
        reached = _reached(groups, nth)
        wanted = np.repeat(reached & (not skip_unwanted), len(num) // len(reached))
        for weight in held:
            wanted[groups.key[weight]] = True
        for tile in range(num.shape[1] // copies):
            work, sent = changing.copy(), np.zeros(len(changing), np.int64)
            for key in np.flatnonzero(wanted):
                sent[chunk[key]] += num[key, tile * copies : (tile + 1) * copies].sum()
            for weight in held:
                key = groups.key[weight]
                for copy in range(copies):
                    pe = groups.pe[weight] + copy * groups.pes[nth]
                    work[chunk[key], pe] += cycles[key, tile * copies + copy] * groups.times[weight]
            taken = (sent > 0) | changed
            sending = -(-sent // width) if width else np.zeros_like(sent)
            add(ran, groups.number[nth], tile, window(work[taken], sending[taken], depth), swaps)
