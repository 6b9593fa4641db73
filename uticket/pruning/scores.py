"""How much a weight is worth keeping (`prune.score`)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]


def magnitude(weights: Values) -> Values:
    """The absolute value of each weight. Source: Yin et al. 2024, Algorithm 1, line 5."""
    return np.abs(weights)


def filter_norm(weights: Values) -> Values:
    """The root mean square of the filter that a weight belongs to: whole filters are pruned. Linear: the magnitude.

    Source: structured pruning by the norm of filters, Li et al. 2017, "Pruning Filters for Efficient ConvNets", which
    sums magnitudes. The filters of a linear layer would be whole neurons, of the last one whole classes.
    """
    if weights.ndim < 4:
        return magnitude(weights)
    norms = np.sqrt(np.square(weights).mean(axis=(1, 2, 3), keepdims=True))
    return np.broadcast_to(norms, weights.shape)


SCORES: dict[str, Callable[[Values], Values]] = {"magnitude": magnitude, "filter_norm": filter_norm}
