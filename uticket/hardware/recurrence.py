"""When a broadcasting array is done: the max-plus recurrence of the hardware model, compiled.

A broadcaster sends items, in order, to PEs that each hold up to `depth` of them while they work on another. It waits
while a PE that the next item is for has no room. In the window form an item is a chunk of activations for all PEs, in
the private form a token for those PEs that hold a weight for it. Both obey the same equations: item j is sent at
  b_j = max(time at which the broadcaster is free, fin_p(n - 1 - depth) for each receiving PE p, whose n-th item it is)
and PE p is done with it at fin_p(n) = max(b_j, fin_p(n - 1)) + cost. Times are in cycles from 0 on.
Source: facts of the hardware model, section 7.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uticket.base.compiled import compiled
from uticket.mapping.policies import Ints


class TileRun(NamedTuple):
    """What happened from one barrier to the next. By PE: work + starved + blocked + tail = latency."""

    latency: int  # cycles until all PEs and the broadcaster are done
    work: Ints  # (pes,), cycles of work
    starved: Ints  # (pes,), cycles without work because nothing had been sent
    blocked: Ints  # (pes,), because the broadcaster waited for room at another PE
    tail: Ints  # (pes,), after the last item of this PE
    waited: int  # cycles that items waited at their PEs, summed
    most_waiting: int  # the most items that waited at one PE at a time


@compiled
def window(work: Ints, sending: Ints, depth: int) -> TileRun:
    """Send chunks to all PEs.

    work: (chunks, pes), cycles that each PE takes for each chunk. sending: (chunks,), cycles that the broadcaster
    takes for each; 0 for an ideal one. depth: chunks by which a PE may be late.
    """
    chunks, pes = work.shape
    places = min(depth, chunks) + 1
    finished = np.zeros((places, pes), np.int64)  # when each PE was done with each of the last chunks
    fin, done = np.zeros(pes, np.int64), np.zeros(pes, np.int64)
    total, starved, blocked = np.zeros(pes, np.int64), np.zeros(pes, np.int64), np.zeros(pes, np.int64)
    since_work = np.zeros((2, pes), np.int64)  # starved and blocked cycles that may still turn out to be the tail
    free, waited, most_waiting = 0, 0, 0
    for c in range(chunks):
        sent = max(free, finished[c % places].max())
        for p in range(pes):
            while done[p] < c and finished[done[p] % places, p] <= sent:
                done[p] += 1
            most_waiting = max(most_waiting, c - done[p])
            since_work[0, p] += max(free - fin[p], 0)
            since_work[1, p] += max(sent - max(free, fin[p]), 0)
            start = max(sent, fin[p])
            waited += start - sent
            fin[p] = finished[c % places, p] = start + work[c, p]
            if work[c, p] > 0:
                total[p] += work[c, p]
                starved[p] += since_work[0, p]
                blocked[p] += since_work[1, p]
                since_work[:, p] = 0
        free = sent + sending[c]
    latency = max(free, fin.max())
    return TileRun(latency, total, starved, blocked, latency - total - starved - blocked, waited, most_waiting)


@compiled
def private(
    cost: NDArray[np.uint16],
    begin: Ints,
    end: Ints,
    first: Ints,
    last: Ints,
    pe: Ints,
    times: Ints,
    pes: int,
    depth: int,
    width: int,
) -> TileRun:
    """Send tokens to the PEs that want them, in runs of tokens for the same PEs.

    Run i has the tokens begin[i] .. end[i] - 1, of which token j takes a PE cost[j] cycles for each of its weights, and
    goes to the PEs pe[first[i]] .. pe[last[i] - 1], which hold `times` weights for it; to none if first[i] == last[i].
    depth: tokens that wait at a PE at most; 0: a token is sent when the PE is idle. width: tokens sent in a cycle at
    most; 0: any number.
    """
    num_tokens, received = 0, np.zeros(pes, np.int64)
    for i in range(len(begin)):
        num_tokens += end[i] - begin[i]
        for d in range(first[i], last[i]):
            received[pe[d]] += end[i] - begin[i]
    places = min(depth, received.max()) + 1
    finished = np.zeros((pes, places), np.int64)  # when each PE was done with each of its last tokens
    received[:] = 0
    fin, done = np.zeros(pes, np.int64), np.zeros(pes, np.int64)
    total, starved, blocked = np.zeros(pes, np.int64), np.zeros(pes, np.int64), np.zeros(pes, np.int64)
    width = min(width, num_tokens)
    issued = np.full(max(width, 1), -1, np.int64)  # when the last tokens were sent
    stalls = np.zeros((64, 3), np.int64)  # of the broadcaster: from, to, cycles of the stalls before
    num_stalls, stalled, sent, token, waited, most_waiting = 0, 0, 0, 0, 0, 0
    for i in range(len(begin)):
        for j in range(begin[i], end[i]):
            free = max(sent, issued[token % width] + 1) if width else sent
            sent = free
            for d in range(first[i], last[i]):
                sent = max(sent, finished[pe[d], received[pe[d]] % places])
            if sent > free:
                if num_stalls == len(stalls):
                    stalls = np.concatenate((stalls, np.zeros_like(stalls)))
                stalls[num_stalls] = free, sent, stalled
                num_stalls += 1
                stalled += sent - free
            for d in range(first[i], last[i]):
                p = pe[d]
                n = received[p]
                while done[p] < n and finished[p, done[p] % places] <= sent:
                    done[p] += 1
                most_waiting = max(most_waiting, n - done[p])
                if sent > fin[p]:
                    waiting = stalled - _stalled_until(fin[p], stalls, num_stalls)
                    blocked[p] += waiting
                    starved[p] += sent - fin[p] - waiting
                start = max(sent, fin[p])
                waited += start - sent
                total[p] += cost[j] * times[d]
                fin[p] = finished[p, n % places] = start + cost[j] * times[d]
                received[p] = n + 1
            if width:
                issued[token % width] = sent
            token += 1
    latency = max(fin.max(), sent + 1) if width else max(fin.max(), sent)
    return TileRun(latency, total, starved, blocked, latency - total - starved - blocked, waited, most_waiting)


@compiled
def _stalled_until(time: int, stalls: NDArray[np.int64], num_stalls: int) -> int:
    """Return for how many cycles the broadcaster was stalled before `time`."""
    low, high = 0, num_stalls
    while low < high:
        middle = (low + high) // 2
        if stalls[middle, 0] <= time:
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return 0
    begin, end, before = stalls[low - 1]
    cycles: int = before + min(time, end) - begin
    return cycles
