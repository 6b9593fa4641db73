"""What moves between DRAM, the on-chip memories and the PEs while a layer runs.

Weights come from DRAM once, in the format of `hw.weight_format`, in which the memory for weights holds them too; the
scratchpads hold what the PEs read (`uticket.hardware.storage`) whatever it is. They stay there while the tiles of a
group run; if they do not fit they are read again for each tile, from DRAM if those of the group do not fit the memory
for weights either.
Input spikes are read from their memory for each group and tile, with the rows and columns that tiles share, a bit for
each timestep, spike or not. Where spikes and sums are kept is decided over the network
(`uticket.hardware.activations`): an input from DRAM is written to the memory for spikes and read from there; if it does
not fit there, each time that it is read. All else is moved once, straight from where it is to where it goes.
Source: facts of the hardware model, sections 1, 2 and 4.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from uticket.config.array import Array
from uticket.hardware.activations import Activations
from uticket.hardware.chip import Channel, Chip
from uticket.hardware.formats import choose_format
from uticket.hardware.storage import WORD_BITS, fit_scratchpad
from uticket.hardware.tiles import Tiles, tiles_of
from uticket.mapping.placed import Placed


@dataclass(frozen=True)
class Accesses:
    """Reads and writes of a memory, each of its width."""

    reads: int
    writes: int


@dataclass(frozen=True)
class Traffic:
    """The accesses of one layer for one image."""

    weights: Accesses
    spikes: Accesses
    dram: Accesses
    sums: Accesses = Accesses(0, 0)  # of those, the ones of partial sums that wait
    weight_format: str = "wsp"  # in DRAM and in the memory for weights

    def columns(self) -> dict[str, int]:
        """Return the accesses by the name of their column in a table."""
        return {
            "weight_sram_reads": self.weights.reads,
            "weight_sram_writes": self.weights.writes,
            "spike_sram_reads": self.spikes.reads,
            "spike_sram_writes": self.spikes.writes,
            "dram_reads": self.dram.reads,
            "dram_writes": self.dram.writes,
            "sum_reads": self.sums.reads,
            "sum_writes": self.sums.writes,
        }


def layer_traffic(placed: Placed, activations: Activations, timesteps: int, array: Array, chip: Chip) -> Traffic:
    """Count the accesses of one layer for one image."""
    layer, copies, moved, memories = placed.layer, placed.copies, activations, chip.memories
    stored = fit_scratchpad(placed, chip.scratchpad_words.value)
    weight_format, weight_bits = choose_format(placed, stored, array.weight_format, array.weight_bits or WORD_BITS)
    tiles = tiles_of(placed, array.accumulators)
    num_tiles = np.array([tiles[number].num_tiles for number in copies.tolist()])
    times = np.where(stored.passes.max(axis=1, initial=1) > 1, num_tiles, 1)
    far_weights = int((weight_bits * np.where(weight_bits > 8 * memories.weights.capacity.value, times, 1)).sum())
    read = {number: read_positions(placed, cuts) for number, cuts in tiles.items()}
    scanned = timesteps * layer.channels * sum(read[number] for number in copies.tolist())
    copied = moved.used.dram if moved.held else scanned
    sums = moved.sums_read, moved.sums_written
    return Traffic(
        weights=_accesses(memories.weights, int((weight_bits * copies * times).sum()), far_weights),
        spikes=_accesses(
            memories.spikes,
            scanned + moved.shortcut.sram + moved.sums_read.sram,
            copied + moved.written.sram + moved.sums_written.sram,
        ),
        dram=_accesses(
            chip.dram,
            far_weights + copied + moved.shortcut.dram + moved.sums_read.dram,
            moved.written.dram + moved.sums_written.dram,
        ),
        weight_format=weight_format,
        sums=_both(_accesses(memories.spikes, *(n.sram for n in sums)), _accesses(chip.dram, *(n.dram for n in sums))),
    )


def read_positions(placed: Placed, tiles: Tiles) -> int:
    """Count the input positions of one channel that are read for all tiles; one that several tiles use counts for each.

    PEs that share a broadcast read a tile together; each of the others reads what its own part of the tile needs.
    """
    layer, shared = placed.layer, placed.dataflow.supply == "broadcast"
    reader = tiles.part // tiles.copies if shared else tiles.part
    height, width = layer.input_size
    read = []
    for down, right in product(*map(range, layer.kernel)):
        row = np.arange(layer.output_size[0])[:, np.newaxis] * layer.stride[0] + down - layer.padding[0]
        column = np.arange(layer.output_size[1]) * layer.stride[1] + right - layer.padding[1]
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        read.append(((reader.astype(np.int64) * height + row) * width + column)[inside])
    return len(np.unique(np.concatenate(read)))


def _accesses(memory: Channel, read_bits: int, written_bits: int) -> Accesses:
    return Accesses(-(-read_bits // memory.width.value), -(-written_bits // memory.width.value))


def _both(one: Accesses, other: Accesses) -> Accesses:
    return Accesses(one.reads + other.reads, one.writes + other.writes)
