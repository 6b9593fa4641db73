"""Balancing: the same number of weights for the PEs that run at the same time.

A bin is what one PE holds in one group: a filter, two paired filters, or a slice of the channels of a filter. How many
weights each bin ends with is the mode's answer; which ones, the selection's.
"""

from collections.abc import Callable, Sequence

import numpy as np

from uticket.base.files import Weights
from uticket.config.names import Mode, Select
from uticket.mapping.mapping import Array, Ints, Mapping, contiguous, map_layers
from uticket.prune.bins import Bins
from uticket.prune.select import SELECT, Kept, Values
from uticket.ticket.layer import Layer
from uticket.ticket.mask import Mask


def balance(
    mask: Kept,
    mapping: Mapping,
    mode: Mode = "both",
    select: Select = "random",
    *,
    rng: np.random.Generator,
    trained: Kept | None = None,
    weights: Values | None = None,
) -> Kept:
    """Give the PEs of each group the same number of weights.

    mask: 0/1 array (filters, channels, height, width) or (outputs, inputs). mode: a PE ends with the ceiling of the
    group's mean (`both`), with its maximum, so that nothing is removed (`recover`), or with its minimum, so that
    nothing is added (`remove`). PEs of a group that hold no filter are left out; a slice too small for the target
    keeps all of its weights, and the others share what is left. A group without weights stays so.
    select: which weights are removed and recovered (`uticket.prune.select`); `magnitude` needs `weights`, the trained
    values, and `trained`, the positions that have one (default: the mask's). rng: what is drawn comes from here.
    Returns a new mask; `mask` is unchanged. With `both` a group gains fewer weights than it has PEs.
    Source: Yin et al. 2024, Algorithm 1, lines 6-16; scope and rounding as in its published code (group of n
    consecutive filters, ceiling). Differs in: short groups and unequal slices, which fail there.
    """
    bins = Bins.of(mask.shape, mapping)
    kept = bins.flat(mask)
    counts = bins.count_ones(kept)
    targets = bin_targets(bins, counts, mode)
    choose = SELECT[select](bins, kept, mask if trained is None else trained, weights, rng)
    balanced = kept.copy()
    balanced[choose.removed(np.maximum(counts - targets, 0))] = False
    balanced[choose.recovered(np.maximum(targets - counts, 0))] = True
    return bins.unflat(balanced)


def bin_targets(bins: Bins, counts: Ints, mode: Mode) -> Ints:
    """Return the number of weights that each bin, which keeps `counts` of them, ends with, shape (bins,)."""
    groups = bins.group.max(initial=-1) + 1
    targets = np.zeros(groups, dtype=np.int64)
    if mode == "recover":
        np.maximum.at(targets, bins.group, counts)
    elif mode == "remove":
        targets[:] = np.iinfo(np.int64).max
        np.minimum.at(targets, bins.group, counts)
    else:
        targets = _filled(bins, counts, groups)
    return np.minimum(targets[bins.group], bins.sizes)


def _filled(bins: Bins, counts: Ints, groups: int) -> Ints:
    """Return the lowest level for each group at which its bins, each filled up to it, hold all of its weights.

    It is the ceiling of the mean where every bin is large enough for that.
    """
    totals, level = np.zeros(groups, dtype=np.int64), np.full(groups, -1, dtype=np.int64)
    np.add.at(totals, bins.group, counts)
    full = np.zeros(len(bins.sizes), dtype=bool)
    while True:
        left, open_bins = totals.copy(), np.bincount(bins.group[~full], minlength=groups)
        np.subtract.at(left, bins.group[full], bins.sizes[full])
        higher = np.where(open_bins > 0, -(-left // np.maximum(open_bins, 1)), level)
        if (higher == level).all():
            return level
        level = higher
        full = bins.sizes < level[bins.group]


def whole_layer(num_filters: int) -> Mapping:
    """Return the mapping of the scope `layer`: one group of all filters, each on a PE of its own."""
    return contiguous(np.zeros(num_filters, dtype=np.int64), num_filters)


def balance_layers(
    mask: Mask,
    layers: Sequence[Layer],
    array: Array | None,
    mode: Mode,
    select: Select,
    rng_of: Callable[[str], np.random.Generator],
    trained: Mask | None = None,
    weights: Weights | None = None,
) -> Mask:
    """Balance `layers`; the others stay as they are.

    array: whose groups are balanced; None is the scope `layer`, in which all filters of a layer end with the same
    number of weights, so that they keep any number of PEs busy that divides the filters. rng_of: layer name -> where
    its draws come from. trained, weights: the mask before pruning and the trained weights, by layer, as in `balance`.
    """
    where = map_layers(layers, mask, array) if array is not None else {n.name: whole_layer(n.filters) for n in layers}
    balanced = {}
    for name, mapping in where.items():
        before = None if trained is None else trained[name]
        values = None if weights is None else weights[name]
        balanced[name] = balance(mask[name], mapping, mode, select, rng=rng_of(name), trained=before, weights=values)
    return mask.replace(balanced)
