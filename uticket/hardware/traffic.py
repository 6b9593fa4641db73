"""Accesses of the memories: what a layer moves (`uticket.hardware.moves`), in reads and writes of their widths."""

from dataclasses import dataclass

from uticket.hardware.chip import Channel, Chip
from uticket.hardware.moves import Moves


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


def layer_traffic(moves: Moves, chip: Chip) -> Traffic:
    """Count the accesses of one layer for one image, of each memory rounded up once."""
    weights, spikes = chip.memories.weights, chip.memories.spikes
    sums = moves.activations.sums_read, moves.activations.sums_written
    near, far = _accesses(spikes, *(one.sram for one in sums)), _accesses(chip.dram, *(one.dram for one in sums))
    return Traffic(
        weights=_accesses(weights, int(moves.weight_reads.sum()), int(moves.weight_writes.sum())),
        spikes=_accesses(spikes, int(moves.spike_reads.sum()), int((moves.copied + moves.spike_writes).sum())),
        dram=_accesses(chip.dram, int(moves.dram_reads.sum()), int(moves.dram_writes.sum())),
        sums=Accesses(near.reads + far.reads, near.writes + far.writes),
    )


def _accesses(memory: Channel, read_bits: int, written_bits: int) -> Accesses:
    return Accesses(-(-read_bits // memory.width.value), -(-written_bits // memory.width.value))
