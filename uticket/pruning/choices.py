"""Which weights balancing removes and recovers (`balance.METHOD.select`); ties go to the lower index."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.mapping.placed import Bools
from uticket.mapping.policies import Ints
from uticket.pruning.bins import Bins
from uticket.pruning.draw import draw

Values = NDArray[np.floating]


def largest(values: Values, count: int) -> Bools:
    """Mark the `count` largest of `values`, shape (values,); ties go to the lower index.

    Takes linear time. Raises ValueError if there are fewer than `count` values.
    """
    if not 0 <= count <= values.size:
        raise ValueError(f"count: expected 0 to {values.size} values to mark, got {count}")
    if count == 0 or count == values.size:
        return np.full(values.size, count > 0)
    limit = np.partition(values, values.size - count)[values.size - count]
    marked: Bools = values > limit
    equal = np.flatnonzero(values == limit)
    marked[equal[: count - np.count_nonzero(marked)]] = True
    return marked


@dataclass(frozen=True)
class AtRandom:
    """The paper's choice: every weight of a bin is as likely as any other. Counts have the shape (bins,)."""

    bins: Bins
    kept: Bools  # laid out
    rng: np.random.Generator

    def removed(self, counts: Ints) -> Ints:
        """Return the positions of `counts` kept weights of each bin, to be removed."""
        return draw(self.kept, True, self.bins, counts, self.rng)

    def recovered(self, counts: Ints) -> Ints:
        """Return the positions of `counts` pruned weights of each bin, to be recovered."""
        return draw(self.kept, False, self.bins, counts, self.rng)


@dataclass(frozen=True)
class ByMagnitude:
    """Remove the smallest trained weights; recover the largest of those just pruned, then untrained ones at random.

    Ties go to the lower index: it is kept, or recovered, first.
    """

    bins: Bins
    kept: Bools  # laid out, as the next two
    trained: Bools  # whether a weight has a trained value
    magnitudes: Values
    rng: np.random.Generator

    def removed(self, counts: Ints) -> Ints:
        """Return the kept weights of smallest magnitude."""
        kept = np.flatnonzero(self.kept)
        return kept[self._first(kept, (-kept, self.magnitudes[kept]), counts)]

    def recovered(self, counts: Ints) -> Ints:
        """Return the trained pruned weights of largest magnitude; if there are too few, untrained ones too."""
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


def _at_random(bins: Bins, kept: Bools, trained: Bools, weights: Values | None, rng: np.random.Generator) -> Selection:
    return AtRandom(bins, kept, rng)


def _by_magnitude(
    bins: Bins, kept: Bools, trained: Bools, weights: Values | None, rng: np.random.Generator
) -> Selection:
    if weights is None:
        raise ValueError("weights: expected the trained weights, by which `magnitude` selects, got none")
    return ByMagnitude(bins, kept, bins.flat(trained), np.abs(bins.flat(weights)), rng)


CHOICES: dict[str, Callable[[Bins, Bools, Bools, Values | None, np.random.Generator], Selection]] = {
    "random": _at_random,
    "magnitude": _by_magnitude,
}
