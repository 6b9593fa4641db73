"""Filters that keep the same positions, cut into blocks that a sparse convolution computes together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
BLOCK = 4  # filters of a block: BLOCK x BLOCK weights and as many sums are what a core's registers hold


def find_blocks(mask: NDArray[np.bool_], stride: int) -> Ints:
    """Return the filters of each block of a mask (filters, channels, height, width): (blocks, BLOCK).

    A block is BLOCK filters with the same positions, at least BLOCK of them, wherever the filters stand. A team of 8
    filters has two blocks; what is left of a team of another size belongs to none. Strided convolutions have no
    blocks, since their rows do not move as a whole.
    """
    patterns = mask.reshape(len(mask), -1)
    members: dict[bytes, list[int]] = {}
    for f in np.flatnonzero(patterns.sum(axis=1) >= BLOCK) if stride == 1 else ():
        members.setdefault(patterns[f].tobytes(), []).append(int(f))
    whole = [team[i : i + BLOCK] for team in members.values() for i in range(0, len(team) - BLOCK + 1, BLOCK)]
    return np.array(whole, dtype=np.int64).reshape(-1, BLOCK)


@dataclass(frozen=True)
class Blocks:
    """The positions of the blocks of a layer, as `block_loops` reads them.

    Block b has the positions begin[b] .. begin[b + 1] - 1, each with a weight for each of its filters. A position reads
    a plane of the input, shifted by rows and columns; they are sorted by row, then by column.
    """

    filters: Ints  # (blocks, BLOCK)
    begin: Ints  # (blocks + 1,)
    plane: Ints  # (positions,), as are row and column
    row: Ints
    column: Ints
    where: tuple[Ints, ...]  # filter, channel, row and column of the weights: indices to (positions, BLOCK)

    @classmethod
    def of(cls, mask: NDArray[np.bool_], filters: Ints, padding: int) -> "Blocks":
        """Sort the positions of the blocks of a mask; filters: (blocks, BLOCK)."""
        block, channels, rows, columns = np.nonzero(mask[filters[:, 0]])
        order = np.lexsort((channels, columns, rows, block))
        block, channels, rows, columns = (axis[order] for axis in (block, channels, rows, columns))
        begin = np.searchsorted(block, np.arange(len(filters) + 1))
        where = filters[block], channels[:, None], rows[:, None], columns[:, None]
        return cls(filters, begin, channels, rows - padding, columns - padding, where)

    @property
    def lists(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """The arguments of `block_loops` that say where the weights are."""
        return self.filters, self.begin, self.plane, self.row, self.column
