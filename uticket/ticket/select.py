"""Which weights are marked, removed or recovered: by magnitude or at random, with equal ones settled by index."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.names import Select
from uticket.ticket.bins import Bins, Ints

Values = NDArray[np.floating]
Kept = NDArray[np.bool_]


def largest(values: Values, count: int) -> Kept:
    """Mark the `count` largest of `values`, shape (values,); among equal ones the lower index is marked first.

    Takes linear time. Raises ValueError if there are fewer than `count` values.
    """
    if not 0 <= count <= values.size:
        raise ValueError(f"count: expected 0 to {values.size} values to mark, came {count}")
    if count == 0 or count == values.size:
        return np.full(values.size, count > 0)
    limit = np.partition(values, values.size - count)[values.size - count]
    marked: Kept = values > limit
    equal = np.flatnonzero(values == limit)
    marked[equal[: count - np.count_nonzero(marked)]] = True
    return marked


@dataclass(frozen=True)
class AtRandom:
    """The paper's choice: every weight of a bin is as likely as any other. Counts have the shape (bins,)."""

    bins: Bins
    rng: np.random.Generator

    def removed(self, counts: Ints) -> Ints:
        """Return the positions of `counts` kept weights of each bin, to be removed."""
        return self.bins.kept[draw(counts, self.bins.counts, self.rng)]

    def recovered(self, counts: Ints) -> Ints:
        """Return the positions of `counts` pruned weights of each bin, to be recovered."""
        return draw_free(self.bins, self.bins.kept, counts, self.rng)


@dataclass(frozen=True)
class ByMagnitude:
    """Remove the smallest trained weights; recover the largest of those just pruned, then any others at random.

    Among equal magnitudes the lower index is kept, or recovered, first.
    """

    bins: Bins
    pruned: Ints  # positions that have a trained weight but are not kept, ascending
    trained: Ints  # positions that have a trained weight or are kept, ascending
    magnitudes: Values  # by position
    rng: np.random.Generator

    def removed(self, counts: Ints) -> Ints:
        """Return the kept weights of smallest magnitude."""
        kept = self.bins.kept
        return kept[self._first(kept, (-kept, self.magnitudes[kept]), counts)]

    def recovered(self, counts: Ints) -> Ints:
        """Return the trained pruned weights of largest magnitude; where they do not suffice, untrained ones too."""
        keys = (self.pruned, -self.magnitudes[self.pruned])
        just_pruned = self.pruned[self._first(self.pruned, keys, counts)]
        missing = counts - self.bins.count(np.sort(just_pruned))
        return np.concatenate([just_pruned, draw_free(self.bins, self.trained, missing, self.rng)])

    def _first(self, positions: Ints, keys: tuple[NDArray[np.generic], ...], counts: Ints) -> Ints:
        """Return the indices of the first `counts` positions of each bin in the order of `keys`, the last one first."""
        of = self.bins.bin_of(positions)
        order = np.lexsort((*keys, of))
        rank = np.arange(len(order)) - np.searchsorted(of, of)  # `positions` ascend, so each bin's stand together
        return order[rank < counts[of]]


Selection = AtRandom | ByMagnitude


def _at_random(bins: Bins, trained: Kept, weights: Values | None, rng: np.random.Generator) -> Selection:
    return AtRandom(bins, rng)


def _by_magnitude(bins: Bins, trained: Kept, weights: Values | None, rng: np.random.Generator) -> Selection:
    if weights is None:
        raise ValueError("weights: expected the trained weights, by which `magnitude` selects, came none")
    occupied = bins.flat(trained).copy()
    occupied[bins.kept] = False
    pruned = np.flatnonzero(occupied)
    occupied[bins.kept] = True
    return ByMagnitude(bins, pruned, np.flatnonzero(occupied), np.abs(bins.flat(weights)), rng)


SELECT: dict[Select, Callable[[Bins, Kept, Values | None, np.random.Generator], Selection]] = {
    "random": _at_random,
    "magnitude": _by_magnitude,
}


def draw_free(bins: Bins, occupied: Ints, counts: Ints, rng: np.random.Generator) -> Ints:
    """Draw the positions of `counts` weights of each bin that are not `occupied`, all sets equally likely."""
    sizes = bins.sizes - bins.count(occupied)
    drawn = draw(counts, sizes, rng)
    ends = np.cumsum(sizes)
    which = np.searchsorted(ends, drawn, side="right")
    return bins.free(occupied, which, drawn - (ends - sizes)[which])


def draw(counts: Ints, sizes: Ints, rng: np.random.Generator) -> Ints:
    """Draw `counts[i]` different items from each set i of `sizes[i]`, all subsets equally likely.

    Returns ascending numbers; the items of set i are numbered from sizes[:i].sum() on. Draws again what collides;
    from a set of which more than half is wanted, the items to leave out are drawn instead.
    """
    begins = np.cumsum(sizes) - sizes
    leave_out = 2 * counts > sizes
    which = np.repeat(np.arange(len(sizes)), np.where(leave_out, sizes - counts, counts))
    drawn = np.zeros(0, dtype=np.int64)
    while which.size:
        again = np.sort(begins[which] + rng.integers(sizes[which]))  # sets do not overlap: `which` still fits
        place = np.searchsorted(drawn, again)
        taken = np.zeros(len(again), dtype=bool)
        taken[1:] = again[1:] == again[:-1]
        if drawn.size:
            taken |= drawn[np.minimum(place, len(drawn) - 1)] == again
        drawn = np.insert(drawn, place[~taken], again[~taken])
        which = which[taken]
    if not leave_out.any():
        return drawn
    inverted = np.repeat(leave_out, sizes)
    inverted[drawn] ^= True
    return np.flatnonzero(inverted)
