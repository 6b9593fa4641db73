"""How many weights the PEs of a group end with (`balance.METHOD.mode`).

A bin is what one PE holds in one group. A target returns a number for each group, shape (groups,); bins too small for
it keep all of their weights. counts: (bins,), weights that each bin keeps. sizes: (bins,), those it could keep. group:
(bins,), ascending. rounding: of a mean, to whole weights (`balance.METHOD.round`).
"""

from collections.abc import Callable

import numpy as np

from uticket.config.pruning import Rounding
from uticket.mapping.policies import Ints


def mean(counts: Ints, sizes: Ints, group: Ints, rounding: Rounding) -> Ints:
    """The lowest level at which the bins of a group, each filled up to it, hold all of its weights, or the nearest one.

    It is the mean, rounded, where every bin is large enough for that. A ceiling adds fewer weights to a group than it
    has bins; the nearest level, up from one half on, adds or removes at most half as many.
    Source: Yin et al. 2024, Algorithm 1, and its published code, for the ceiling.
    """
    groups = _num_groups(group)
    totals, level = np.zeros(groups, dtype=np.int64), np.full(groups, -1, dtype=np.int64)
    np.add.at(totals, group, counts)
    full = np.zeros(len(sizes), dtype=bool)
    while True:
        left, open_bins = totals.copy(), np.bincount(group[~full], minlength=groups)
        np.subtract.at(left, group[full], sizes[full])
        divisor = np.maximum(open_bins, 1)
        up = divisor - 1 if rounding == "ceil" else divisor // 2
        higher = np.where(open_bins > 0, (left + up) // divisor, level)
        if (higher == level).all():
            return level
        level = higher
        full = sizes < level[group]


def maximum(counts: Ints, sizes: Ints, group: Ints, rounding: Rounding) -> Ints:
    """The largest count of the group, so that nothing is removed."""
    most = np.zeros(_num_groups(group), dtype=np.int64)
    np.maximum.at(most, group, counts)
    return most


def minimum(counts: Ints, sizes: Ints, group: Ints, rounding: Rounding) -> Ints:
    """The smallest count of the group, so that nothing is added."""
    least = np.full(_num_groups(group), np.iinfo(np.int64).max)
    np.minimum.at(least, group, counts)
    return least


def _num_groups(group: Ints) -> int:
    return int(group.max(initial=-1)) + 1


TARGETS: dict[str, Callable[[Ints, Ints, Ints, Rounding], Ints]] = {"both": mean, "recover": maximum, "remove": minimum}
