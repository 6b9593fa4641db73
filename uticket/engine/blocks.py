"""Adjacent filters that keep the same positions, cut into blocks that a sparse convolution computes together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
BLOCK = 4  # filters of a block: BLOCK x BLOCK weights and as many sums are what a core's registers hold


def find_blocks(mask: NDArray[np.bool_], stride: int) -> Ints:
    """Return the first filter of each block of a mask (filters, channels, height, width), in order.

    A block is BLOCK adjacent filters with the same positions, at least one. A team of 8 filters has two blocks; what
    is left of a team of another size belongs to none. Strided convolutions have no blocks, since their rows do not
    move as a whole.
    """
    patterns = mask.reshape(len(mask), -1)
    as_before = (patterns[1:] == patterns[:-1]).all(axis=1) & patterns[1:].any(axis=1)
    first, f = [], 0
    while stride == 1 and f + BLOCK <= len(mask):
        found = as_before[f : f + BLOCK - 1].all()
        if found:
            first.append(f)
        f += BLOCK if found else 1
    return np.array(first, dtype=np.int64)


def in_blocks(first: Ints, filters: int) -> NDArray[np.bool_]:
    """Return whether each of a layer's filters is in one of the blocks that begin at `first`."""
    inside = np.zeros(filters, dtype=bool)
    inside[first[:, None] + np.arange(BLOCK)] = True
    return inside


@dataclass(frozen=True)
class Blocks:
    """The positions of the blocks of a layer, as `block_loops` reads them.

    Block b has the positions begin[b] .. begin[b + 1] - 1, each with a weight for each of its filters first[b] ..
    first[b] + BLOCK - 1. A position reads a plane of the input, shifted by rows and columns; they are sorted by row,
    then by column.
    """

    first: Ints  # (blocks,)
    begin: Ints  # (blocks + 1,)
    plane: Ints  # (positions,), as are row and column
    row: Ints
    column: Ints
    where: tuple[Ints, ...]  # filter, channel, row and column of the weights: indices to (positions, BLOCK)

    @classmethod
    def of(cls, mask: NDArray[np.bool_], first: Ints, padding: int) -> "Blocks":
        """Sort the positions of the blocks that begin at the filters `first`."""
        block, channels, rows, columns = np.nonzero(mask[first])
        order = np.lexsort((channels, columns, rows, block))
        block, channels, rows, columns = (axis[order] for axis in (block, channels, rows, columns))
        begin = np.searchsorted(block, np.arange(len(first) + 1))
        filters = first[block][:, None] + np.arange(BLOCK)
        where = filters, channels[:, None], rows[:, None], columns[:, None]
        return cls(first, begin, channels, rows - padding, columns - padding, where)

    @property
    def lists(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """The arguments of `block_loops` that say where the weights are."""
        return self.first, self.begin, self.plane, self.row, self.column
