"""Cycles in which PEs neither work nor wait: changing weights, and emptying accumulators.

When a tile goes on to the next input channel, every PE that takes part changes its weight registers; a PE without
registers looks for its next weight in bitmaps. At the end of a tile it empties its accumulators, one output of each of
its filters after another.
Source: facts of the hardware model, section 3: 22 cycles for a change one after the other, 3 with double buffering; one
accumulator in a cycle, or several. 0 and inf are the paper's model, in which both are free.
"""

import numpy as np

from uticket.config.array import Array
from uticket.hardware.tiles import Tiles, table_by_tile, tiles_of_groups
from uticket.mapping.placed import Placed
from uticket.mapping.policies import Ints

JOIN_BITS = 128  # of a bitmap that a PE joins in a cycle: a chunk of SparTen, a bit mask of LoAS


def swap_cycles(placed: Placed, array: Array) -> int:
    """Return the cycles in which a PE changes its weights before an input channel, with tokens or without."""
    return array.weight_swap_cycles if placed.dataflow.has_registers else 0


def scan_cycles(placed: Placed, timesteps: int) -> Ints:
    """Return the cycles in which each PE joins bitmaps for one output without a match, shape (groups, pes).

    As in the analytic model all inputs have spikes. JOIN_BITS bits of its filters take a PE a cycle for each filter, in
    which it may have a match; groups without weights are not run.
    """
    if placed.dataflow.supply != "patches":
        return np.zeros_like(placed.workload)
    kept, size = np.flatnonzero(placed.mask), placed.unit_size
    joins = -(-size // JOIN_BITS)
    place = placed.bins[placed.unit_of(kept)] * joins + kept % size // JOIN_BITS
    matches = np.bincount(place, minlength=placed.workload.size * joins).reshape(-1, joins) * timesteps
    filters = np.bincount(placed.bins, minlength=placed.workload.size)
    scans = np.maximum(filters[:, np.newaxis] - matches, 0).sum(axis=1).reshape(placed.workload.shape)
    run: Ints = scans * (placed.workload.sum(axis=1, keepdims=True) > 0)
    return run


def drain_cycles(placed: Placed, tiles: Tiles, array: Array) -> Ints:
    """Return the cycles in which the accumulators are emptied at the end of each tile, shape (tiles,)."""
    outputs = tiles.largest_parts * placed.filters_of_a_pe
    return np.ceil(outputs / array.drain_width).astype(np.int64)


def tile_overheads(placed: Placed, array: Array) -> tuple[Ints, Ints]:
    """Return the cycles of changing weights and of emptying accumulators by group and tile, (groups, tiles) each."""
    tiles = tiles_of_groups(placed, array.accumulators)
    drains = {copies: drain_cycles(placed, cut, array) for copies, cut in {cut.copies: cut for cut in tiles}.items()}
    swaps = [np.full(cuts.num_tiles, placed.layer.channels * swap_cycles(placed, array)) for cuts in tiles]
    return table_by_tile(tiles, swaps), table_by_tile(tiles, [drains[cuts.copies] for cuts in tiles])


def drain_of_pes(placed: Placed, by_group: Ints) -> Ints:
    """Return the cycles in which each PE empties its accumulators, shape (pes,).

    by_group: (groups,), of each PE that takes part in the group.
    """
    active = np.bincount(placed.used_pes * placed.copies, by_group, minlength=placed.pes + 1)  # by PEs that take part
    drains: Ints = np.cumsum(active[::-1])[-2::-1].astype(np.int64)  # PE p: where more than p do
    return drains
