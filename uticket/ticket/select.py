"""The selection that pruning and balancing share: the largest values, with equal ones settled by index."""

import numpy as np
from numpy.typing import NDArray


def largest(values: NDArray[np.floating], count: int) -> NDArray[np.bool_]:
    """Mark the `count` largest of `values`, shape (values,); among equal ones the lower index is marked first.

    Takes linear time. Raises ValueError if there are fewer than `count` values.
    """
    if not 0 <= count <= values.size:
        raise ValueError(f"count: expected 0 to {values.size} values to mark, came {count}")
    if count == 0 or count == values.size:
        return np.full(values.size, count > 0)
    limit = np.partition(values, values.size - count)[values.size - count]
    marked: NDArray[np.bool_] = values > limit
    equal = np.flatnonzero(values == limit)
    marked[equal[: count - np.count_nonzero(marked)]] = True
    return marked
