"""How much a weight is worth keeping (`prune.score`)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]


def magnitude(weights: Values) -> Values:
    """The absolute value of each weight. Source: Yin et al. 2024, Algorithm 1, line 5."""
    return np.abs(weights)


SCORES: dict[str, Callable[[Values], Values]] = {"magnitude": magnitude}
