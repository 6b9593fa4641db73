"""Cycles that memories take for what a layer moves, and how they overlap with the PEs.

Each group and tile is a step: what it needs is loaded, it runs, what it made is stored. Loads and stores go one after
another over one path, whose memories work at the same time, so that the slowest one counts: DRAM, which either reads or
writes, and the read port and the write port of each bank of the on-chip memories. While a step runs, its input is read
from the memory for spikes: it takes as long as the slower of both. With two buffers the next step is loaded, and the
one before is stored, while a step runs; with one, steps do not overlap. Layers do not overlap. Latencies of single
accesses, conflicts of banks and rows of DRAM are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.hardware.chip import Chip, Memory
from uticket.hardware.moves import Moves
from uticket.hardware.timing import Timing
from uticket.mapping.policies import Ints

MEMORIES = {"weight_sram_cycles": "weight SRAM", "spike_sram_cycles": "spike SRAM", "dram_cycles": "DRAM"}


@dataclass(frozen=True)
class Transfers:
    """Cycles that the memories take for each step, in the order of groups and tiles, shape (steps,) each."""

    loads: Ints
    reads: Ints  # of the memory for spikes, while the step runs
    stores: Ints
    needed: dict[str, int]  # of each memory for the whole layer, if nothing else took time


def layer_transfers(moves: Moves, chip: Chip) -> Transfers:
    """Return the cycles of what one layer moves, each step's rounded up."""
    weights, spikes, per_cycle = chip.memories.weights, chip.memories.spikes, chip.dram_bits_per_cycle

    def sram(memory: Memory, bits: Ints) -> Ints:
        return -(-bits[moves.runs] // (memory.width.value * memory.banks.value))

    def dram(bits: Ints) -> Ints:
        return np.ceil(bits[moves.runs] / per_cycle).astype(np.int64)

    weight_reads, weight_writes = sram(weights, moves.weight_reads), sram(weights, moves.weight_writes)
    spike_reads, copied, spike_writes = (
        sram(spikes, bits) for bits in (moves.spike_reads, moves.copied, moves.spike_writes)
    )
    dram_reads, dram_writes = dram(moves.dram_reads), dram(moves.dram_writes)
    needed = max(weight_reads.sum(), weight_writes.sum()), max(spike_reads.sum(), copied.sum() + spike_writes.sum())
    return Transfers(
        loads=np.maximum.reduce([weight_reads, weight_writes, copied, dram_reads]),
        reads=spike_reads,
        stores=np.maximum(spike_writes, dram_writes),
        needed=dict(zip(MEMORIES, (*map(int, needed), int(dram_reads.sum() + dram_writes.sum())), strict=True)),
    )


def memory_cycles(cycles: NDArray[np.int64], moves: Moves, transfers: Transfers, buffers: int) -> float:
    """Return the cycles that waiting for memories adds to the latency of a layer, mean over the images.

    cycles: of the PEs, shape (images, groups, tiles), or with one group or one tile if there are no barriers between
    them; then those of the steps are in proportion to their outputs. buffers: 1 or more.
    """
    running = np.maximum(cycles_of_steps(cycles, moves), transfers.reads)
    loads, stores = transfers.loads.tolist(), transfers.stores.tolist()
    ends = [end_of_steps(loads, image, stores, buffers) for image in running.tolist()]
    return float(np.mean(np.array(ends) - cycles.sum(axis=(1, 2))))


def cycles_of_steps(cycles: NDArray[np.int64], moves: Moves) -> NDArray[np.int64]:
    """Return the cycles of the PEs in each step, shape (images, steps); cycles: as in `memory_cycles`."""
    if cycles.shape[1:] == moves.runs.shape:
        return cycles[:, moves.runs]
    outputs = moves.outputs if cycles.shape[1] > 1 else moves.outputs.reshape(1, -1)
    before = np.cumsum(outputs, axis=1)
    split = np.diff(cycles.sum(axis=2)[..., np.newaxis] * before // before[:, -1:], axis=2, prepend=0)
    steps: NDArray[np.int64] = split.reshape(len(cycles), *moves.runs.shape)[:, moves.runs]
    return steps


def end_of_steps(loads: Sequence[int], runs: Sequence[int], stores: Sequence[int], buffers: int) -> int:
    """Return when the last step is stored, in cycles from 0 on.

    With B buffers, step s is loaded when step s - B has run, and runs when it is loaded and step s - B is stored. The
    path takes load s before store s - B, since a step waits for it.
    """
    path = 0  # when it is free
    loaded: list[int] = []
    ran: list[int] = []
    stored: list[int] = []
    for step in range(len(loads) + buffers):
        before = step - buffers
        if before >= 0:
            room = stored[before - buffers] if before >= buffers else 0
            ran.append(max(ran[-1] if ran else 0, loaded[before], room) + runs[before])
        if step < len(loads):
            path = max(path, ran[before] if before >= 0 else 0) + loads[step]
            loaded.append(path)
        if before >= 0:
            path = max(path, ran[before]) + stores[before]
            stored.append(path)
    return path


def bound_of(alone: Timing, pes: int, needed: Mapping[str, int]) -> str:
    """Return what a layer needs most cycles of, each as if it were alone: `compute`, `broadcast`, or a memory.

    alone: how it runs without waiting for memories, which is the broadcast's if PEs wait for that for most of the time.
    Of equal ones the PEs come first.
    """
    slowest = max(needed, key=lambda name: needed[name])
    if needed[slowest] > alone.latency_cycles:
        return MEMORIES[slowest]
    waiting = alone.starved_cycles + alone.blocked_cycles
    return "broadcast" if 2 * waiting > pes * alone.latency_cycles else "compute"
