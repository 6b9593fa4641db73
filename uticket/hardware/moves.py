"""What moves between DRAM, the on-chip memories and the PEs for each group and tile of a layer.

Weights come from DRAM once, in the format of `hw.weight_format`, in which the memory for weights holds them too; the
scratchpads hold what the PEs read (`uticket.hardware.storage`) whatever it is. They stay there while the tiles of a
group run; if they do not fit they are read again for each tile, from DRAM if those of the group do not fit the memory
for weights either.
Input spikes are read from their memory for each group and tile, of the channels that its filters read, with the rows
and columns that tiles share, a bit for each timestep, spike or not; a number of spikes takes as many bits as the
largest. Where spikes and sums are kept is decided over the network (`uticket.hardware.activations`): an input from DRAM
is written to the memory for spikes and read from there; if it does not fit there, each time that it is read. All else
is moved once, straight from where it is to where it goes; groups and tiles share it by their outputs.
Source: facts of the hardware model, sections 1, 2 and 4.
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from uticket.config.array import Array
from uticket.hardware.activations import Activations
from uticket.hardware.chip import Chip
from uticket.hardware.formats import choose_format
from uticket.hardware.storage import WORD_BITS, fit_scratchpad
from uticket.hardware.tiles import Tiles, table_by_tile, tiles_of_groups
from uticket.mapping.placed import Bools, Placed
from uticket.mapping.policies import Ints
from uticket.ticket.layer import Layer


@dataclass(frozen=True)
class Moves:
    """The bits that a layer moves for one image, by group and tile, each of shape (groups, tiles)."""

    runs: Bools  # whether the group has that tile
    outputs: Ints  # of its units in that tile
    weight_reads: Ints  # from the memory for weights into the scratchpads
    weight_writes: Ints  # from DRAM into the memory for weights
    loaded_words: Ints  # what is written to the scratchpads, words of 16 bits
    spike_reads: Ints  # from the memory for spikes, while the tile runs
    copied: Ints  # spikes from DRAM into the memory for spikes
    spike_writes: Ints  # into the memory for spikes at the end of the tile
    dram_reads: Ints  # before the tile runs
    dram_writes: Ints  # at the end of the tile
    activations: Activations
    weight_format: str  # in DRAM and in the memory for weights


def layer_moves(placed: Placed, activations: Activations, timesteps: int, array: Array, chip: Chip) -> Moves:
    """Return what one layer moves for one image."""
    kept, copies = activations, placed.copies[:, np.newaxis]
    tiles = tiles_of_groups(placed, array.accumulators)
    runs = table_by_tile(tiles, [np.ones(cut.num_tiles, np.int64) for cut in tiles]) > 0
    stored = fit_scratchpad(placed, chip.scratchpad_words.value)
    form, weight_bits = choose_format(placed, stored, array.weight_format, array.weight_bits or WORD_BITS)
    first = runs & (np.arange(runs.shape[1]) == 0)
    loads = np.where(stored.passes.max(axis=1, initial=1)[:, np.newaxis] > 1, runs, first)
    too_large = weight_bits[:, np.newaxis] > 8 * chip.memories.weights.capacity.value
    far_weights = weight_bits[:, np.newaxis] * np.where(too_large, loads, first)
    value_bits = timesteps * kept.value_bits  # of an input at one position of one channel
    read = {copies: read_positions(placed, cut) for copies, cut in {cut.copies: cut for cut in tiles}.items()}
    read_of_groups = table_by_tile(tiles, [read[cut.copies] for cut in tiles])
    scanned = value_bits * placed.channels_read[:, np.newaxis] * read_of_groups
    copied = np.zeros_like(scanned)
    if not kept.held:
        copied = scanned
    elif kept.used.dram:
        for group, channels in first_reads(placed).items():
            new = new_positions(placed, tiles[group])
            copied[group, : len(new)] = value_bits * channels * new
    units = np.bincount(placed.group, minlength=placed.num_groups)[:, np.newaxis]
    outputs = units * table_by_tile(tiles, [cuts.sizes for cuts in tiles])
    before = np.cumsum(outputs)

    def share(bits: int) -> Ints:
        """Return so many bits by group and tile, rounded so that they add up."""
        shares: Ints = np.diff(bits * before // before[-1], prepend=0).reshape(outputs.shape)
        return shares

    return Moves(
        runs=runs,
        outputs=outputs,
        weight_reads=weight_bits[:, np.newaxis] * copies * loads,
        weight_writes=far_weights,
        loaded_words=stored.words.sum(axis=1)[:, np.newaxis] * copies * loads,
        spike_reads=scanned + share(kept.shortcut.sram + kept.sums_read.sram),
        copied=copied,
        spike_writes=share(kept.written.sram + kept.sums_written.sram),
        dram_reads=far_weights + copied + share(kept.shortcut.dram + kept.sums_read.dram),
        dram_writes=share(kept.written.dram + kept.sums_written.dram),
        activations=kept,
        weight_format=form,
    )


def first_reads(placed: Placed) -> dict[int, int]:
    """Return the groups that read channels which none before them has read, and how many such channels."""
    first = placed.reading.any(axis=1).argmax(axis=0)  # of each group of channels
    groups, times = np.unique(first, return_counts=True)
    return dict(zip(groups.tolist(), (times * placed.layer.group_channels).tolist(), strict=True))


def read_positions(placed: Placed, tiles: Tiles) -> Ints:
    """Return the input positions of one channel that are read for each tile, shape (tiles,).

    PEs that share a broadcast read a tile together; each of the others reads what its own part of the tile needs.
    """
    part, position = _readings(placed.layer, tiles)
    reader = part if placed.dataflow.supply != "broadcast" else part // tiles.copies * tiles.copies
    size = math.prod(placed.layer.input_size)
    return np.bincount(np.unique(reader * size + position) // size // tiles.copies, minlength=tiles.num_tiles)


def new_positions(placed: Placed, tiles: Tiles) -> Ints:
    """Return the input positions of one channel that each tile reads and none before it has read, shape (tiles,)."""
    part, position = _readings(placed.layer, tiles)
    first = np.full(math.prod(placed.layer.input_size), tiles.num_tiles)
    np.minimum.at(first, position, part // tiles.copies)
    return np.bincount(first, minlength=tiles.num_tiles)[: tiles.num_tiles]


def _readings(layer: Layer, tiles: Tiles) -> tuple[Ints, Ints]:
    """Return the part and the input position of each pair of an output and a kernel position, padding left out."""
    height, width = layer.input_size
    parts, positions = [], []
    for down, right in product(*map(range, layer.kernel)):
        row = np.arange(layer.output_size[0])[:, np.newaxis] * layer.stride[0] + down * layer.dilation[0]
        column = np.arange(layer.output_size[1]) * layer.stride[1] + right * layer.dilation[1]
        row, column = row - layer.padding[0], column - layer.padding[1]
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        parts.append(tiles.part[inside])
        positions.append((row * width + column)[inside])
    return np.concatenate(parts).astype(np.int64), np.concatenate(positions)
