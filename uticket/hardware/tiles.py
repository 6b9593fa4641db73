"""How the outputs of a layer are cut into tiles, as many at a time as the PEs have accumulators for.

PEs that share a broadcast work on the same tile at a time; PEs with streams of their own each go through the tiles of
their own part of the outputs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.mapping.placed import Placed
from uticket.mapping.policies import Ints


@dataclass(frozen=True)
class Tiles:
    """How the outputs of a layer are cut: into tiles that run one after another, and each tile over the copies."""

    copies: int  # of the filters of a group, which share the outputs of a tile
    part: NDArray[np.int32]  # (output height, output width), tile * copies + copy

    @property
    def num_tiles(self) -> int:
        """Tiles that run one after another."""
        return int(self.part.max()) // self.copies + 1

    @property
    def sizes(self) -> Ints:
        """Outputs of each tile, shape (tiles,)."""
        sizes: Ints = np.bincount(self.part.ravel() // self.copies)
        return sizes

    @property
    def largest_parts(self) -> Ints:
        """Outputs of the largest part of each tile, shape (tiles,)."""
        sizes = np.bincount(self.part.ravel(), minlength=self.num_tiles * self.copies)
        largest: Ints = sizes.reshape(-1, self.copies).max(axis=1)
        return largest


def tiles_of(placed: Placed, accumulators: int) -> dict[int, Tiles]:
    """Return the tiles of a layer for each number of copies that its groups have.

    accumulators: of a PE; two filters on a PE share them.
    """
    patches = placed.dataflow.supply == "patches"
    outputs = 1 if patches else max(accumulators // placed.filters_of_a_pe, 1)
    into = cut if placed.dataflow.supply == "broadcast" else cut_by_copy
    return {number: into(placed.layer.output_size, outputs, number) for number in sorted(set(placed.copies.tolist()))}


def tiles_of_groups(placed: Placed, accumulators: int) -> list[Tiles]:
    """Return the tiles of each group; accumulators: of a PE."""
    tiles = tiles_of(placed, accumulators)
    return [tiles[number] for number in placed.copies.tolist()]


def table_by_tile(tiles: Sequence[Tiles], values: Sequence[Ints]) -> Ints:
    """Return the values of the tiles of each group, shape (groups, tiles), 0 where a group has fewer tiles."""
    table = np.zeros((len(tiles), max(cuts.num_tiles for cuts in tiles)), dtype=np.int64)
    for row, of_group in zip(table, values, strict=True):
        row[: len(of_group)] = of_group
    return table


def cut(output_size: tuple[int, int], accumulators: int, copies: int = 1) -> Tiles:
    """Cut the outputs of a layer for PEs with accumulators for that number of output positions each.

    A tile has at most accumulators * copies outputs: all of them if they are no more, else a square (smaller at the
    right and lower edge). Each copy takes the same number of outputs of a tile, in raster order; the last one what is
    left.
    """
    height, width = output_size
    side = max(height, width) if height * width <= accumulators * copies else math.isqrt(accumulators * copies)
    row, column = np.divmod(np.arange(height * width), width)
    tile = row // side * -(-width // side) + column // side
    rank = np.empty_like(tile)
    order = np.argsort(tile, kind="stable")
    sizes = np.bincount(tile)
    rank[order] = np.arange(len(tile)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    share = -(-sizes // copies)
    return Tiles(copies, (tile * copies + rank // share[tile]).reshape(output_size).astype(np.int32))


def cut_by_copy(output_size: tuple[int, int], accumulators: int, copies: int = 1) -> Tiles:
    """Cut the outputs of a layer for copies that run through tiles of their own, as `cut` in all else.

    Each copy takes the same number of outputs, in raster order, the last one what is left; it works on the first
    `accumulators` of them, then on the next ones.
    """
    number = np.arange(math.prod(output_size))
    copy, place = np.divmod(number, -(-len(number) // copies))
    return Tiles(copies, (place // accumulators * copies + copy).reshape(output_size).astype(np.int32))
