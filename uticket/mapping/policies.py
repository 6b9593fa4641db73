"""How the filters of a layer are put into groups and on PEs (`hw.mapping`)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Filters:
    """What mappings look at: the filters of a layer, or of several layers whose outputs are added.

    workload: (filters,), kept weights, summed over the layers. masks: of the layers, (filters, ...) each. channels: of
    those that are grouped convolutions, the group of channels that each filter reads from, (filters,) each.
    """

    workload: Ints
    masks: Collection[NDArray[np.bool_]] = ()
    channels: tuple[Ints, ...] = ()

    @cached_property
    def pattern(self) -> Ints:
        """The first filter that keeps the same positions of the same channels, shape (filters,)."""
        rows = [np.packbits(mask.reshape(len(mask), -1), axis=1) for mask in self.masks]
        if not rows:
            return np.arange(len(self.workload))
        rows += [group.reshape(-1, 1).view(np.uint8) for group in self.channels]
        first: dict[bytes, int] = {}
        kept = (row.tobytes() for row in np.concatenate(rows, axis=1))
        return np.array([first.setdefault(row, number) for number, row in enumerate(kept)])

    @property
    def by_pattern(self) -> Ints:
        """All filters, those that keep the same positions next to each other, shape (filters,).

        The most filters of a kind come first, then those whose first has the lower number; filters that share their
        positions with no other one are last, in order. So teams of equal size fill groups without gaps.
        """
        return np.lexsort((np.arange(len(self.pattern)), self.pattern, -np.bincount(self.pattern)[self.pattern]))

    @property
    def by_workload(self) -> Ints:
        """All filters, the largest workload first, those of equal workload by pattern, shape (filters,)."""
        return np.lexsort((np.arange(len(self.pattern)), self.pattern, -self.workload))


class Places(NamedTuple):
    """The group and the PE of each filter, or piece of one; groups run one after another."""

    group: Ints
    pe: Ints


def contiguous(filters: Filters, pes: int) -> Places:
    """Put filters g * pes .. g * pes + pes - 1 into group g, in order. Source: the paper, and its published code."""
    return in_order(np.arange(len(filters.workload)), pes)


def by_pattern(filters: Filters, pes: int) -> Places:
    """Group consecutive filters after putting those that keep the same positions next to each other.

    Finds teams of filters anywhere in a layer from its mask alone. Where no two filters keep the same positions it is
    `contiguous`. Output channels are permuted, which costs nothing where the channels of the next layer can be permuted
    offline.
    """
    return in_order(filters.by_pattern, pes)


def by_workload(filters: Filters, pes: int) -> Places:
    """Group consecutive filters after sorting them by workload, largest first, and equal ones by pattern.

    Output channels are permuted.
    """
    return in_order(filters.by_workload, pes)


def paired(filters: Filters, pes: int) -> Places:
    """Give each PE of a group two filters, the densest with the sparsest, the second with the second last, and so on.

    Every 2 * pes filters in order of workload, and of pattern, form a group; in a last group of fewer, the `pes`
    densest have a PE each and only the filters beyond them share one. Output channels are permuted, and a PE holds two
    sums. Source: SparTen's greedy balancing in software (GB-S), facts in the hardware model.
    """
    group, place = np.divmod(_rank(filters.by_workload), 2 * pes)
    return Places(group, np.where(place < pes, place, 2 * pes - 1 - place))


def in_order(order: Ints, pes: int) -> Places:
    """Put the filters into groups in this order, shape (filters,)."""
    return Places(*np.divmod(_rank(order), pes))


def _rank(order: Ints) -> Ints:
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank


MAPPINGS: dict[str, Callable[[Filters, int], Places]] = {
    "contiguous": contiguous,
    "patterns": by_pattern,
    "sorted": by_workload,
    "paired": paired,
}
