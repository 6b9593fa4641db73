"""Drawing weights at random, compiled: balancing spends its time here."""

import numpy as np
from numpy.typing import NDArray

from uticket.base.compiled import compiled
from uticket.mapping.policies import Ints
from uticket.pruning.bins import Bins

NO_ONE, ALL_ONES = np.uint64(0), np.uint64(0x0101010101010101)  # eight weights of a mask


def draw(flat: NDArray[np.bool_], wanted: bool, bins: Bins, counts: Ints, rng: np.random.Generator) -> Ints:
    """Draw `counts` positions of each bin at which `flat` is `wanted`, all sets of them equally likely.

    flat: a laid out 0/1 array. counts: (bins,). Returns the positions, those of a bin together.
    Raises ValueError if a bin has fewer than are asked of it.
    """
    ones = bins.count_ones(flat)
    available = ones if wanted else bins.sizes - ones
    if not (counts <= available).all():
        raise ValueError("counts: expected at most as many positions as fit, got more")
    return _draw(flat.view(np.uint8), int(wanted), bins.edges, available, counts, rng)


@compiled
def _draw(
    flat: NDArray[np.uint8], wanted: int, edges: Ints, available: Ints, counts: Ints, rng: np.random.Generator
) -> Ints:
    """Draw from bins of which `available` positions fit.

    Where enough will be left, positions are drawn until one fits; else all that fit are listed and the list shuffled.
    """
    drawn = np.empty(counts.sum(), np.int64)
    largest = 0
    for b in range(len(counts)):
        largest = max(largest, edges[b + 1] - edges[b])
    taken, listed = np.zeros(largest, np.bool_), np.empty(largest + 1, np.int64)
    end = 0
    for b in range(len(counts)):
        begin, end = end, end + counts[b]
        size = edges[b + 1] - edges[b]
        if begin == end:
            continue
        if 2 * (available[b] - counts[b]) >= size:
            in_bin = flat[edges[b] : edges[b + 1]]
            place = begin
            while place < end:
                position = np.int64(rng.random() * size)
                if in_bin[position] == wanted and not taken[position]:
                    taken[position] = True
                    drawn[place] = position
                    place += 1
            for place in range(begin, end):
                taken[drawn[place]] = False
                drawn[place] += edges[b]
        else:
            num = _list(flat, wanted, edges[b], edges[b + 1], listed)
            for place in range(counts[b]):
                other = place + np.int64(rng.random() * (num - place))
                listed[place], listed[other] = listed[other], listed[place]
                drawn[begin + place] = listed[place]
    return drawn


@compiled
def _list(flat: NDArray[np.uint8], wanted: int, begin: int, end: int, listed: Ints) -> int:
    """Write the positions in [begin, end) at which `flat` is `wanted` into `listed`; return their number.

    `listed` has room for one more. Eight weights are passed over at a time if none of them is wanted.
    """
    words = flat[: len(flat) // 8 * 8].view(np.uint64)
    unwanted = NO_ONE if wanted else ALL_ONES
    num = 0
    position = begin
    while position < end:
        if position % 8 == 0 and position + 8 <= end and words[position // 8] == unwanted:
            position += 8
            continue
        stop = min(position // 8 * 8 + 8, end)
        while position < stop:
            listed[num] = position
            num += flat[position] == wanted  # no branch: which weights are kept cannot be predicted
            position += 1
    return num
