"""PTB: a systolic array that works on windows of timesteps, and puts inputs together that never spike together."""

import numpy as np
from numpy.typing import NDArray

from uticket.base.compiled import compiled
from uticket.rivals.lowered import Bools, Lowered
from uticket.rivals.rival import Rival, grid

PUBLISHED = 16, 8  # rows of filters, columns of windows
WINDOW = 4  # timesteps
WORD = 64  # bits in which the columns of an input are kept


def ptb_cycles(layer: Lowered, pes: int) -> int:
    """Return the cycles of parallel time batching with its packing of sparse inputs (StSAP).

    Rows of the grid hold filters. Columns hold windows of timesteps at output positions, window after window, each
    column a contiguous part of them. The inputs stream past one after another, each for as many cycles as a window
    has timesteps. An input that spikes in no column is skipped. One that spikes in some shares its time with the next
    input after it that spikes in none of these columns and is not paired yet.
    Differs from the simulator of Prosperity in: windows are no longer than T, where that one pads to a power of two; a
    last column may be shorter, where that one accepts full columns only.
    """
    rows, columns = grid(pes, PUBLISHED, WORD)
    window = min(WINDOW, layer.timesteps)
    steps = paired_steps(columns_of(windows_of(layer.spikes, window), columns))
    return steps * window * -(-layer.filters // rows)


def windows_of(spikes: Bools, window: int) -> Bools:
    """Return whether there is a spike in each window, shape (windows * positions, inputs); spikes: (T, ...)."""
    missing = -len(spikes) % window
    whole = np.pad(spikes, [(0, missing), (0, 0), (0, 0)])
    inputs = spikes.shape[2]
    live: Bools = whole.reshape(-1, window, *spikes.shape[1:]).any(axis=1).reshape(-1, inputs)
    return live


def columns_of(live: Bools, columns: int) -> NDArray[np.uint64]:
    """Return in which columns an input spikes, a bit each, shape (windows of a column, inputs)."""
    whole = np.pad(live, [(0, -len(live) % columns), (0, 0)]).reshape(columns, -1, live.shape[1])
    words = np.zeros(whole.shape[1:], dtype=np.uint64)
    for column, part in enumerate(whole):
        words |= part.astype(np.uint64) << np.uint64(column)
    return words


@compiled
def paired_steps(words: NDArray[np.uint64]) -> int:
    """Return the inputs, pairs counted once, that stream past the grid; words: (windows of a column, inputs)."""
    waiting = np.empty(words.shape[1], dtype=np.uint64)
    steps = 0
    for row in words:
        num = 0
        for word in row:
            if word != 0:
                waiting[num] = word
                num += 1
        steps += num
        for first in range(num):
            if waiting[first] == 0:  # has been paired
                continue
            for second in range(first + 1, num):
                if waiting[second] != 0 and waiting[first] & waiting[second] == 0:
                    waiting[second] = 0
                    steps -= 1
                    break
    return steps


RIVALS = {
    "ptb": Rival(
        cycles=ptb_cycles,
        title="PTB",
        source="Lee, Zhang and Li, Parallel Time Batching, HPCA 2022; windows, grid and pairing as in the simulator of"
        " Prosperity (github.com/dubcyfor3/Prosperity)",
        adders="one in each PE",
        skips=("windows",),
        leaves_out="filling and draining the grid, finding the pairs, loading weights",
    )
}
