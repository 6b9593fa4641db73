"""Prosperity: rows of spikes that contain another row add to its sum instead of starting from nothing."""

import numpy as np
from numpy.typing import NDArray

from uticket.rivals.lowered import Lowered, packed
from uticket.rivals.rival import Rival

ROWS, INPUTS = 256, 16  # of a tile of spikes
COUNTED = 8  # rows of a tile whose spikes are counted in a cycle


def prosperity_cycles(layer: Lowered, pes: int) -> int:
    """Return the cycles of product sparsity.

    Rows of spikes, timestep after timestep for each output position, are cut into tiles of 256 rows and 16 inputs. A
    row with two spikes or more builds on the largest row of its tile that it contains, if there is one; of equal rows
    the later ones build on the first. It takes a cycle for each spike that is left, and one if none is. Finding what to
    build on takes a cycle for each row of two spikes or more, beside the adding: the slower of both counts. All this is
    repeated for each group of as many filters as there are adders.
    """
    rows = layer.spikes.transpose(1, 0, 2).reshape(-1, layer.inputs)
    adding = finding = 0
    for begin in range(0, len(rows), ROWS):
        tiles = packed(rows[begin : begin + ROWS], INPUTS, np.uint16)  # a column of patterns each
        for tile in tiles.T:
            adding += adding_cycles(tile)
        finding += int((np.bitwise_count(tiles) > 1).sum()) + tiles.shape[0] // COUNTED * tiles.shape[1]
    return max(adding, finding) * -(-layer.filters // pes)


def adding_cycles(tile: NDArray[np.uint16]) -> int:
    """Return the cycles in which the rows of a tile, shape (rows,), are added."""
    patterns, times = np.unique(tile[tile != 0], return_counts=True)
    spikes = np.bitwise_count(patterns).astype(np.int64)
    contained = (patterns[:, None] & patterns) == patterns  # [row, other]
    np.fill_diagonal(contained, False)
    reused = np.where(spikes > 1, (contained * spikes).max(axis=1, initial=0), 0)
    return int((spikes - reused + times - 1).sum())


RIVALS = {
    "prosperity": Rival(
        cycles=prosperity_cycles,
        title="Prosperity",
        source="Wei et al., Prosperity, HPCA 2025, and its simulator (github.com/dubcyfor3/Prosperity)",
        adders="as many as a row of sums is wide; those that find what to build on are not counted",
        skips=("spikes", "repeats"),
        leaves_out="reading rows of sums and waiting for them, loading weights",
    )
}
