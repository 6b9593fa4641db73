"""Which of many points are worth a look."""

import numpy as np
from numpy.typing import NDArray


def on_front(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which points are on the Pareto front, shape (points,).

    costs: (points, objectives), may be inf. A point is on the front if no other one is smaller in an objective and
    larger in none; of equal points all are.
    """
    front = np.empty((0, costs.shape[1]))
    found = np.zeros(len(costs), dtype=bool)
    for n in np.lexsort(costs.T[::-1]):  # what is better than a point is before it
        better = (front <= costs[n]).all(axis=1) & (front < costs[n]).any(axis=1)
        if not better.any():
            found[n] = True
            front = np.vstack([front, costs[n]])
    return found
