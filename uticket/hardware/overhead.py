"""Cycles in which PEs neither work nor wait: changing weights, and emptying accumulators.

When a tile goes on to the next input channel, every PE that takes part changes its weight registers; at the end of a
tile it empties its accumulators, one output of each of its filters after another.
Source: facts of the hardware model, section 3: 22 cycles for a change one after the other, 3 with double buffering; one
accumulator in a cycle, or several. 0 and inf are the paper's model, in which both are free.
"""

import numpy as np

from uticket.config.array import Array
from uticket.hardware.tiles import Tiles, tiles_of
from uticket.mapping.placed import Placed
from uticket.mapping.policies import Ints


def swap_cycles(placed: Placed, array: Array) -> int:
    """Return the cycles in which a PE changes its weights before an input channel, with tokens or without."""
    return array.weight_swap_cycles if placed.dataflow.has_registers else 0


def drain_cycles(placed: Placed, tiles: Tiles, array: Array) -> Ints:
    """Return the cycles in which the accumulators are emptied at the end of each tile, shape (tiles,)."""
    outputs = tiles.largest_parts * placed.filters_of_a_pe
    return np.ceil(outputs / array.drain_width).astype(np.int64)


def group_overheads(placed: Placed, array: Array) -> tuple[Ints, Ints]:
    """Return the cycles of changing weights and of emptying accumulators in all tiles of each group, (groups,) each."""
    tiles = tiles_of(placed, array.accumulators)
    swaps = {
        copies: cuts.num_tiles * placed.layer.channels * swap_cycles(placed, array) for copies, cuts in tiles.items()
    }
    drains = {copies: int(drain_cycles(placed, cuts, array).sum()) for copies, cuts in tiles.items()}
    copies = placed.copies.tolist()
    return np.array([swaps[n] for n in copies], np.int64), np.array([drains[n] for n in copies], np.int64)
