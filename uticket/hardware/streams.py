"""PEs that each have a stream of their own, from one tile to the next, compiled: the recurrence, once for each PE."""

import numpy as np
from numpy.typing import NDArray

from uticket.base.compiled import compiled
from uticket.hardware.recurrence import TileRun, private, window
from uticket.mapping.policies import Ints


@compiled
def windows(work: Ints, sending: Ints, taken: NDArray[np.bool_], depth: int) -> TileRun:
    """Send chunks to each of the first PEs in a stream of its own, as `window` does to all of them.

    work: (chunks, pes). sending, taken: (chunks, streams), as in `window`, and which chunks are sent at all.
    """
    by_pe = np.zeros((5, work.shape[1]), np.int64)
    for p in range(sending.shape[1]):
        _note(by_pe, p, window(work[taken[:, p], p : p + 1].copy(), sending[taken[:, p], p], depth), 0)
    return _side_by_side(by_pe)


@compiled
def private_streams(
    cost: NDArray[np.uint16],
    stream: Ints,
    begin: Ints,
    end: Ints,
    first: Ints,
    last: Ints,
    pe: Ints,
    times: Ints,
    pes: int,
    streams: int,
    depth: int,
    width: int,
) -> TileRun:
    """Send tokens to each of the first PEs in a stream of its own, as `private` does to all of them.

    stream: (runs,), the PE of each run; the PEs that it goes to are no others. width: of each stream.
    """
    by_pe = np.zeros((5, pes), np.int64)
    for p in range(streams):
        of = stream == p
        run = private(cost, begin[of], end[of], first[of], last[of], pe, times, pes, depth, width)
        _note(by_pe, p, run, p)
    return _side_by_side(by_pe)


@compiled
def _note(by_pe: NDArray[np.int64], pe: int, run: TileRun, place: int) -> None:
    """Keep what happened to one PE; place: its number in the run.

    It starves until the last token is sent, even one that it does not want: the next tile is sent after this one.
    """
    by_pe[0, pe], by_pe[1, pe], by_pe[2, pe] = run.work[place], run.starved[place] + run.tail[place], run.blocked[place]
    by_pe[3, pe], by_pe[4, pe] = run.waited, run.most_waiting


@compiled
def _side_by_side(by_pe: NDArray[np.int64]) -> TileRun:
    """Return PEs that do not wait for each other as one run, which ends with the last of them."""
    elapsed = by_pe[:3].sum(axis=0)
    latency = elapsed.max()
    return TileRun(latency, by_pe[0], by_pe[1], by_pe[2], latency - elapsed, by_pe[3].sum(), by_pe[4].max())
