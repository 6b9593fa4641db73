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
    which it may have a match; groups without weights, on the channels that they read, are not run.
    """
    if placed.dataflow.supply != "patches":
        return np.zeros_like(placed.workload)
    kept, size = np.flatnonzero(placed.mask), placed.unit_size
    joins, (_, pes, parts) = -(-size // JOIN_BITS), placed.reading.shape
    place = (placed.group * pes + placed.pe) * parts + placed.channel_group
    join = place[placed.unit_of(kept)] * joins + kept % size // JOIN_BITS
    matches = np.bincount(join, minlength=placed.reading.size * joins).reshape(*placed.reading.shape, joins)
    scans = np.maximum(placed.reading[..., np.newaxis] - matches * timesteps, 0).sum(axis=3)
    run: Ints = (scans * (matches.sum(axis=(1, 3)) > 0)[:, np.newaxis]).sum(axis=2)
    return np.pad(run, [(0, 0), (0, placed.pes - pes)])


def changes_of_pes(placed: Placed, array: Array) -> Ints:
    """Return the cycles in which each PE of one copy of a group changes weights in a tile, shape (groups, PEs in use).

    Of a grouped convolution a PE changes them for the channels that its filters read.
    """
    changes: Ints = (placed.reading > 0).sum(axis=2) * placed.layer.group_channels * swap_cycles(placed, array)
    return changes


def drain_cycles(placed: Placed, tiles: Tiles, array: Array) -> Ints:
    """Return the cycles in which the accumulators are emptied at the end of each tile, shape (tiles,)."""
    outputs = tiles.largest_parts * placed.filters_of_a_pe
    return np.ceil(outputs / array.drain_width).astype(np.int64)


def tile_overheads(placed: Placed, array: Array) -> tuple[Ints, Ints]:
    """Return the cycles of changing weights and of emptying accumulators by group and tile, (groups, tiles) each.

    Of changing weights those of the PE that has the most.
    """
    tiles = tiles_of_groups(placed, array.accumulators)
    drains = {copies: drain_cycles(placed, cut, array) for copies, cut in {cut.copies: cut for cut in tiles}.items()}
    most = changes_of_pes(placed, array).max(axis=1).tolist()
    swaps = [np.full(cuts.num_tiles, changes) for changes, cuts in zip(most, tiles, strict=True)]
    return table_by_tile(tiles, swaps), table_by_tile(tiles, [drains[cuts.copies] for cuts in tiles])


def drain_of_pes(placed: Placed, by_group: Ints) -> Ints:
    """Return the cycles in which each PE empties its accumulators, shape (pes,).

    by_group: (groups,), of each PE that takes part in the group.
    """
    active = np.bincount(placed.used_pes * placed.copies, by_group, minlength=placed.pes + 1)  # by PEs that take part
    drains: Ints = np.cumsum(active[::-1])[-2::-1].astype(np.int64)  # PE p: where more than p do
    return drains
