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
from uticket.mapping.policies import Ints


@compiled
def send_tokens(
    ran: Stretches,
    groups: Groups,
    copies: int,
    runs: Runs,
    cost: NDArray[np.uint16],
    keys: int,
    swap: int,
    depth: int,
    width: int,
    skip_unwanted: bool,
) -> None:
    """Send tokens, and add what happens to `ran`.

    cost: (tokens + 1,), cycles of each for each weight, and those of a change of weights of one channel. swap:
    cycles of all changes of a tile, of each PE that takes part. depth, width: as for `private`. skip_unwanted: leave
    out the kernel positions for which a group has no weight.
    """
    pes = ran.work.shape[1]
    for nth in range(len(groups.number)):
        swaps = np.zeros(pes, np.int64)
        swaps[: groups.pes[nth] * copies] = swap
        to = _receivers(groups, nth, copies, keys)
        for tile in range(len(runs.edges) - 1):
            wanted = _wanted(runs, tile, to, skip_unwanted)
            add(ran, groups.number[nth], tile, private(cost, *wanted, to.pe, to.times, pes, depth, width), swaps)


class _Receivers(NamedTuple):
    """The weights of all copies of a group, copy by copy, and then a change of weights on each PE that takes part."""

    pe: Ints  # (receivers,)
    times: Ints  # (receivers,), weights that each stands for
    first: Ints  # (keys + 1,), the first of each kernel position in the first copy, and of the changes
    last: Ints  # (keys + 1,), the end
    held: int  # weights of a copy


@compiled
def _receivers(groups: Groups, nth: int, copies: int, keys: int) -> _Receivers:
    begin, held, used = groups.begin[nth], groups.begin[nth + 1] - groups.begin[nth], groups.pes[nth]
    of_copy, changes = slice(begin, begin + held), copies * held
    pe, times = np.empty(changes + copies * used, np.int64), np.ones(changes + copies * used, np.int64)
    for copy in range(copies):
        pe[copy * held : (copy + 1) * held] = groups.pe[of_copy] + copy * used
        times[copy * held : (copy + 1) * held] = groups.times[of_copy]
    pe[changes:] = np.arange(copies * used)
    first, last = np.zeros(keys + 1, np.int64), np.zeros(keys + 1, np.int64)
    for key in groups.key[of_copy]:
        last[key] += 1
    last = np.cumsum(last)
    first[1:] = last[:-1]
    first[keys], last[keys] = changes, len(pe)
    return _Receivers(pe, times, first, last, held)


@compiled
def _wanted(runs: Runs, tile: int, to: _Receivers, skip_unwanted: bool) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the runs that are sent to a group in a tile as `private` takes them."""
    wanted = np.empty((4, runs.edges[tile + 1] - runs.edges[tile]), np.int64)
    num = 0
    for run in range(runs.edges[tile], runs.edges[tile + 1]):
        first, last, of_copy = to.first[runs.key[run]], to.last[runs.key[run]], runs.copy[run] * to.held
        if skip_unwanted and first == last:
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
    swap: Ints,
    depth: int,
    width: int,
    skip_unwanted: bool,
) -> None:
    """Send chunks of tokens, and add what happens to `ran`.

    num, cycles: (keys, parts), of the tokens; tile t has the parts from t * copies on. chunk: (keys,), ascending. swap:
    (chunks,), cycles of the changes of weights in each, of each PE that takes part. depth: chunks by which a PE may be
    late. width, skip_unwanted: as for `send_tokens`.
    """
    pes = ran.work.shape[1]
    for nth in range(len(groups.number)):
        active, held = groups.pes[nth] * copies, range(groups.begin[nth], groups.begin[nth + 1])
        changing = np.zeros((len(swap), pes), np.int64)
        changing[:, :active] = swap.reshape(-1, 1)
        swaps = changing.sum(axis=0)
        wanted = np.full(len(num), not skip_unwanted)
        for weight in held:
            wanted[groups.key[weight]] = True
        for tile in range(num.shape[1] // copies):
            work, sent = changing.copy(), np.zeros(len(swap), np.int64)
            for key in np.flatnonzero(wanted):
                sent[chunk[key]] += num[key, tile * copies : (tile + 1) * copies].sum()
            for weight in held:
                key = groups.key[weight]
                for copy in range(copies):
                    pe = groups.pe[weight] + copy * groups.pes[nth]
                    work[chunk[key], pe] += cycles[key, tile * copies + copy] * groups.times[weight]
            taken = (sent > 0) | (swap > 0)
            sending = -(-sent // width) if width else np.zeros_like(sent)
            add(ran, groups.number[nth], tile, window(work[taken], sending[taken], depth), swaps)
