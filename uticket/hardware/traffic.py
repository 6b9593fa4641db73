"""What moves between DRAM, the on-chip memories and the PEs while a layer runs.

Compressed weights come from DRAM once. They stay in the scratchpads while the tiles of a group run; if they do not fit
there they are read again for each tile, from DRAM if those of the group do not fit the memory for weights either.
Input spikes are read from their memory for each group and tile, with the rows and columns that tiles share, a bit for
each timestep, spike or not; output spikes are written once. If the memory for spikes cannot hold both, the output goes
to DRAM, and the input comes from there: once if the memory holds it, else every time that it is read.
Source: facts of the hardware model, sections 1, 2 and 4.
"""

from dataclasses import dataclass

import numpy as np

from uticket.hardware.chip import Channel, Chip
from uticket.hardware.storage import WORD_BITS, fit_scratchpad
from uticket.hardware.tiles import Tiles, tiles_of
from uticket.mapping.placed import Placed
from uticket.ticket.layer import Layer


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

    def columns(self) -> dict[str, int]:
        """Return the accesses by the name of their column in a table."""
        return {
            "weight_sram_reads": self.weights.reads,
            "weight_sram_writes": self.weights.writes,
            "spike_sram_reads": self.spikes.reads,
            "spike_sram_writes": self.spikes.writes,
            "dram_reads": self.dram.reads,
            "dram_writes": self.dram.writes,
        }


def layer_traffic(placed: Placed, timesteps: int, accumulators: int, chip: Chip) -> Traffic:
    """Count the accesses of one layer for one image; accumulators: of a PE."""
    layer, copies = placed.layer, placed.copies
    stored = fit_scratchpad(placed, chip.scratchpad_words.value)
    tiles = tiles_of(placed, accumulators)
    num_tiles = np.array([tiles[number].num_tiles for number in copies.tolist()])
    weight_bits = WORD_BITS * stored.words.sum(axis=1)
    times = np.where(stored.passes.max(axis=1, initial=1) > 1, num_tiles, 1)
    far_weights = weight_bits * np.where(weight_bits > 8 * chip.memories.weights.capacity.value, times, 1)
    bits_in = timesteps * layer.channels * layer.input_size[0] * layer.input_size[1]
    bits_out = timesteps * layer.filters * layer.positions
    held = 8 * chip.memories.spikes.capacity.value
    read = {number: read_positions(layer, cuts) for number, cuts in tiles.items()}
    scanned = timesteps * layer.channels * sum(read[number] for number in copies.tolist())
    far_in = far_out = 0
    if bits_in + bits_out > held:
        far_in, far_out = bits_in if bits_in <= held else scanned, bits_out
    return Traffic(
        weights=_accesses(chip.memories.weights, int((weight_bits * copies * times).sum()), int(far_weights.sum())),
        spikes=_accesses(chip.memories.spikes, scanned, bits_out + far_in),
        dram=_accesses(chip.dram, int(far_weights.sum()) + far_in, far_out),
    )


def read_positions(layer: Layer, tiles: Tiles) -> int:
    """Count the input positions of one channel that all tiles read; one that several tiles read counts for each."""
    spans = []
    for axis in (0, 1):
        begin = np.arange(0, layer.output_size[axis], tiles.side)
        end = np.minimum(begin + tiles.side, layer.output_size[axis])
        first = begin * layer.stride[axis] - layer.padding[axis]
        last = (end - 1) * layer.stride[axis] - layer.padding[axis] + layer.kernel[axis]
        size = layer.input_size[axis]
        spans.append(int((np.clip(last, 0, size) - np.clip(first, 0, size)).sum()))
    return spans[0] * spans[1]


def _accesses(memory: Channel, read_bits: int, written_bits: int) -> Accesses:
    return Accesses(-(-read_bits // memory.width.value), -(-written_bits // memory.width.value))
