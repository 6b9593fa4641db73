"""Which weights are marked, removed or recovered: by magnitude or at random, with equal ones settled by index."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.config.names import Select
from uticket.mapping.mapping import Ints
from uticket.prune.bins import Bins
from uticket.prune.draw import draw

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
    kept: Kept  # laid out
    rng: np.random.Generator

    def removed(self, counts: Ints) -> Ints:
        """Return the positions of `counts` kept weights of each bin, to be removed."""
        return draw(self.kept, True, self.bins, counts, self.rng)

    def recovered(self, counts: Ints) -> Ints:
        """Return the positions of `counts` pruned weights of each bin, to be recovered."""
        return draw(self.kept, False, self.bins, counts, self.rng)


@dataclass(frozen=True)
class ByMagnitude:
    """Remove the smallest trained weights; recover the largest of those just pruned, then any others at random.

    Among equal magnitudes the lower index is kept, or recovered, first.
    """

    bins: Bins
    kept: Kept  # laid out, as the next two
    trained: Kept  # whether a weight has a trained value
    magnitudes: Values
    rng: np.random.Generator

    def removed(self, counts: Ints) -> Ints:
        """Return the kept weights of smallest magnitude."""
        kept = np.flatnonzero(self.kept)
        return kept[self._first(kept, (-kept, self.magnitudes[kept]), counts)]

    def recovered(self, counts: Ints) -> Ints:
        """Return the trained pruned weights of largest magnitude; where they do not suffice, untrained ones too."""
        pruned = np.flatnonzero(self.trained & ~self.kept)
        just_pruned = pruned[self._first(pruned, (pruned, -self.magnitudes[pruned]), counts)]
        missing = counts - self.bins.count(np.sort(just_pruned))
        others = draw(self.trained | self.kept, False, self.bins, missing, self.rng)
        return np.concatenate([just_pruned, others])

    def _first(self, positions: Ints, keys: tuple[NDArray[np.generic], ...], counts: Ints) -> Ints:
        """Return the indices of the first `counts` positions of each bin in the order of `keys`, the last one first."""
        of = self.bins.bin_of(positions)
        order = np.lexsort((*keys, of))
        rank = np.arange(len(order)) - np.searchsorted(of, of)  # `positions` ascend, so each bin's stand together
        return order[rank < counts[of]]


Selection = AtRandom | ByMagnitude


def _at_random(bins: Bins, kept: Kept, trained: Kept, weights: Values | None, rng: np.random.Generator) -> Selection:
    return AtRandom(bins, kept, rng)


def _by_magnitude(bins: Bins, kept: Kept, trained: Kept, weights: Values | None, rng: np.random.Generator) -> Selection:
    if weights is None:
        raise ValueError("weights: expected the trained weights, by which `magnitude` selects, came none")
    return ByMagnitude(bins, kept, bins.flat(trained), np.abs(bins.flat(weights)), rng)


SELECT: dict[Select, Callable[[Bins, Kept, Kept, Values | None, np.random.Generator], Selection]] = {
    "random": _at_random,
    "magnitude": _by_magnitude,
}
