"""How the filters of a layer are put into groups and on PEs (`hw.mapping`)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Places(NamedTuple):
    """The group and the PE of each filter, or piece of one; groups run one after another."""

    group: Ints
    pe: Ints


def contiguous(workload: Ints, pes: int) -> Places:
    """Put filters g * pes .. g * pes + pes - 1 into group g, in order. Source: the paper, and its published code."""
    return _in_order(np.arange(len(workload)), pes)


def by_workload(workload: Ints, pes: int) -> Places:
    """Group consecutive filters after sorting them by workload, largest first; ties keep their order.

    workload: nonzeros of each filter, shape (filters,). Output channels are permuted, which costs nothing where the
    channels of the next layer can be permuted offline.
    """
    return _in_order(np.argsort(-workload, kind="stable"), pes)


def paired(workload: Ints, pes: int) -> Places:
    """Give each PE of a group two filters, the densest with the sparsest, the second with the second last, and so on.

    workload: nonzeros of each filter. Every 2 * pes filters in order of workload form a group; in a last group of
    fewer, the `pes` densest have a PE each and only the filters beyond them share one. Output channels are permuted,
    and a PE holds two sums. Source: SparTen's greedy balancing in software (GB-S), facts in the hardware model.
    """
    group, place = np.divmod(_rank(np.argsort(-workload, kind="stable")), 2 * pes)
    return Places(group, np.where(place < pes, place, 2 * pes - 1 - place))


def _in_order(order: Ints, pes: int) -> Places:
    return Places(*np.divmod(_rank(order), pes))


def _rank(order: Ints) -> Ints:
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank


MAPPINGS: dict[str, Callable[[Ints, int], Places]] = {
    "contiguous": contiguous,
    "sorted": by_workload,
    "paired": paired,
}
