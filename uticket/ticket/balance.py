"""Balancing: the same number of weights for the filters that run at the same time.

Every filter keeps its k best scores. How many that is, is the mode's answer; which ones, the scores'.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from uticket.layers import Layer
from uticket.mapping import Mapping, contiguous
from uticket.mask import Mask, filter_nonzeros
from uticket.seeds import generator
from uticket.ticket.prune import Weights
from uticket.ticket.select import largest

Mode = Literal["both", "recover", "remove"]
Select = Literal["random", "magnitude"]
Kept = NDArray[np.bool_]
Values = NDArray[np.floating]


def balance(mask: Kept, scores: Values, mapping: Mapping, mode: Mode = "both") -> Kept:
    """Give the filters of each group the same number of weights.

    mask: 0/1 array (filters, channels, height, width). scores: same shape, larger is kept first; kept weights must
    score above pruned ones, as those of `SELECT` do, or weights are exchanged as well.
    mode: the number that each filter of a group ends with is the ceiling of their mean (`both`), their maximum, so
    that nothing is removed (`recover`), or their minimum, so that nothing is added (`remove`). A group that is short
    of filters is balanced over those it has; a group without weights stays so.
    Returns a new mask; `mask` is unchanged. With `both` a group gains fewer weights than it has filters.
    Raises ValueError if the shapes differ. Source: Yin et al. 2024, Algorithm 1, lines 6-16; scope and rounding as in
    the published code (group of n consecutive filters, ceiling). Differs in: ties go to the lower index, short groups.
    """
    if scores.shape != mask.shape:
        raise ValueError(f"scores: expected the shape of the mask {mask.shape}, came {scores.shape}")
    nonzeros = filter_nonzeros(mask)
    targets = group_targets(nonzeros, mapping.group, mode)[mapping.group]
    balanced = mask.reshape(len(mask), -1).copy()
    by_filter = scores.reshape(balanced.shape)
    for f in np.flatnonzero(targets != nonzeros):
        balanced[f] = largest(by_filter[f], int(targets[f]))
    return balanced.reshape(mask.shape)


def group_targets(nonzeros: NDArray[np.int64], group: NDArray[np.int64], mode: Mode) -> NDArray[np.int64]:
    """Return the weights that each filter of a group ends with, shape (groups,).

    nonzeros and group: by filter, shape (filters,).
    """
    num_groups = int(group.max(initial=-1)) + 1
    if mode == "both":
        totals = np.zeros(num_groups, dtype=np.int64)
        np.add.at(totals, group, nonzeros)
        sizes = np.bincount(group, minlength=num_groups)
        return -(-totals // np.maximum(sizes, 1))
    if mode == "recover":
        targets = np.zeros(num_groups, dtype=np.int64)
        np.maximum.at(targets, group, nonzeros)
    else:
        targets = np.full(num_groups, np.iinfo(np.int64).max)
        np.minimum.at(targets, group, nonzeros)
    return targets


def random_scores(mask: Kept, trained: Kept, weights: Values, rng: np.random.Generator) -> Values:
    """Score kept weights above pruned ones, and within each at random (the paper's choice)."""
    return np.add(rng.random(mask.shape, dtype=np.float32), mask, dtype=np.float32)


def magnitude_scores(mask: Kept, trained: Kept, weights: Values, rng: np.random.Generator) -> Values:
    """Score kept weights above those just pruned, both by magnitude; positions that were not trained last, at random.

    mask: after pruning; trained: before it; weights: the trained ones. All of one shape.
    """
    magnitudes = np.abs(weights, dtype=np.float64)
    tier = magnitudes / (2 * (magnitudes.max(initial=0.0) or 1.0))  # in [0, 0.5], so that tiers do not touch
    return np.where(trained, 1.0 + mask + tier, rng.random(mask.shape) / 2)


SELECT: dict[Select, Callable[[Kept, Kept, Values, np.random.Generator], Values]] = {
    "random": random_scores,
    "magnitude": magnitude_scores,
}


def whole_layer(num_filters: int) -> Mapping:
    """Return the groups of scope `layer`: one group of all filters, which end with the same number of weights.

    Such a ticket keeps any number of PEs busy that divides the filters.
    """
    return contiguous(num_filters, num_filters)


def balance_network(
    mask: Mask,
    trained: Mask,
    weights: Weights,
    layers: Sequence[Layer],
    groups: Callable[[int], Mapping],
    mode: Mode,
    select: Select,
    seed: int,
    number: int,
) -> Mask:
    """Balance the layers that run on the PEs; the others stay as they are.

    mask: after pruning; trained: before it; weights: the trained ones. groups: number of filters -> which filters
    end with the same number of weights. seed and the number of the round decide what is drawn.
    """
    balanced = {}
    for layer in layers:
        if layer.on_pes:
            name, rng = layer.name, generator(seed, "balance", number, layer.name)
            scores = SELECT[select](mask[name], trained[name], weights[name], rng)
            balanced[name] = balance(mask[name], scores, groups(layer.filters), mode)
    return mask.replace(balanced)
