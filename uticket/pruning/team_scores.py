"""What a position is worth to a team, by the weights that its filters have there (`balance.METHOD.team_score`).

weights: (filters, positions) of a team, 0 where none counts. A score returns a number for each position, not negative,
0 where no weight counts.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]


def sum_of_squares(weights: Values) -> Values:
    """The sum of the squared weights: what is kept of the squared norm of the team's filters."""
    scores: Values = np.square(weights).sum(axis=0)
    return scores


def maximum(weights: Values) -> Values:
    """The largest magnitude."""
    scores: Values = np.abs(weights).max(axis=0)
    return scores


TEAM_SCORES: dict[str, Callable[[Values], Values]] = {"sum_of_squares": sum_of_squares, "maximum": maximum}
