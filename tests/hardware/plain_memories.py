"""Memories in plain loops: what each step of a layer moves, and an array that is stepped through cycle by cycle."""

import math
from dataclasses import dataclass

import numpy as np

from tests.hardware.plain_events import place_of
from uticket.config.array import Array
from uticket.hardware.activations import Activations
from uticket.hardware.chip import Chip
from uticket.hardware.storage import fit_scratchpad
from uticket.hardware.tiles import tiles_of_groups
from uticket.mapping.placed import Placed
from uticket.ticket.layer import Layer


@dataclass
class Step:
    """One group on one tile, in cycles."""

    load: int
    read: int  # of the memory for spikes, while it runs
    store: int


def step_through(loads: list[int], runs: list[int], stores: list[int], buffers: int) -> int:
    """Step through all cycles; return when the last step is stored."""
    steps = range(len(loads))
    jobs = [
        job for n in range(len(loads) + buffers) for job in (("load", n), ("store", n - buffers)) if job[1] in steps
    ]
    done = {"load": set(), "run": set(), "store": set()}
    path: list = []  # what it works on, and the cycles left
    array: list = []
    next_run, now = 0, 0
    while True:
        moved = True
        while moved:
            moved = False
            for working in (path, array):
                if working and working[1] == 0:
                    done[working[0][0]].add(working[0][1])
                    working.clear()
                    moved = True
            if not path and jobs:
                kind, step = jobs[0]
                ready = step < buffers or step - buffers in done["run"] if kind == "load" else step in done["run"]
                if ready:
                    path[:] = [jobs.pop(0), (loads if kind == "load" else stores)[step]]
                    moved = True
            room = next_run < buffers or next_run - buffers in done["store"]
            if not array and next_run in steps and next_run in done["load"] and room:
                array[:] = [("run", next_run), runs[next_run]]
                next_run += 1
                moved = True
        if not path and not array:
            assert not jobs
            return now
        for working in (path, array):
            if working:
                working[1] -= 1
        now += 1


def positions(layer: Layer, outputs: np.ndarray) -> set[tuple[int, int]]:
    """The input positions that some outputs need; outputs: (outputs, 2)."""
    found = set()
    for y, x in outputs.tolist():
        for i in range(layer.kernel[0]):
            for j in range(layer.kernel[1]):
                row, column = place_of(layer, i, j, y, x)
                at = row - layer.padding[0], column - layer.padding[1]
                if 0 <= at[0] < layer.input_size[0] and 0 <= at[1] < layer.input_size[1]:
                    found.add(at)
    return found


def plain_steps(placed: Placed, kept: Activations, timesteps: int, array: Array, chip: Chip) -> list[Step]:
    """What each group and tile moves, in plain loops; weights as WSP. Bits that are shared are shared by outputs."""
    layer, weights, spikes = placed.layer, chip.memories.weights, chip.memories.spikes
    stored = fit_scratchpad(placed, chip.scratchpad_words.value)
    tiles = tiles_of_groups(placed, array.accumulators)
    units = [int((placed.group == group).sum()) for group in range(placed.num_groups)]
    outputs = [
        units[g] * int((cut.part // cut.copies == t).sum()) for g, cut in enumerate(tiles) for t in range(cut.num_tiles)
    ]
    seen: set = set()
    steps: list[Step] = []
    per_unit = len(placed.group) // layer.filters
    value_bits = timesteps * kept.value_bits

    def channels_of(group: int) -> set[int]:
        """The channels that the filters of a group read."""
        units = [unit for unit in range(len(placed.group)) if placed.group[unit] == group]
        starts = {unit // per_unit // layer.group_filters * layer.group_channels for unit in units}
        return {start + n for start in starts for n in range(layer.group_channels)}

    def share(bits: int, number: int) -> int:
        so_far, until = sum(outputs[:number]), sum(outputs[: number + 1])
        return bits * until // sum(outputs) - bits * so_far // sum(outputs)

    for group, cut in enumerate(tiles):
        bits, copies = 16 * int(stored.words[group].sum()), int(placed.copies[group])
        again = int(stored.passes[group].max()) > 1
        for tile in range(cut.num_tiles):
            by_copy = [positions(layer, np.argwhere(cut.part == tile * copies + copy)) for copy in range(copies)]
            used = set().union(*by_copy)
            loaded = tile == 0 or again
            far = bits if tile == 0 or (again and bits > 8 * weights.capacity.value) else 0
            readings = len(used) if placed.dataflow.supply == "broadcast" else sum(map(len, by_copy))
            channels = channels_of(group)
            read = value_bits * len(channels) * readings
            inputs = {(channel, at) for channel in channels for at in used}
            new = value_bits * len(inputs - seen) if kept.used.dram else 0
            copied = new if kept.held else read
            seen |= inputs
            number = len(steps)
            dram_in = far + copied + share(kept.shortcut.dram + kept.sums_read.dram, number)
            dram_out = share(kept.written.dram + kept.sums_written.dram, number)
            near_in = read + share(kept.shortcut.sram + kept.sums_read.sram, number)
            near_out = share(kept.written.sram + kept.sums_written.sram, number)
            of_weights, of_spikes = (m.width.value * m.banks.value for m in (weights, spikes))
            load = max(
                math.ceil(bits * copies * loaded / of_weights),
                math.ceil(far / of_weights),
                math.ceil(copied / of_spikes),
                math.ceil(dram_in / chip.dram_bits_per_cycle),
            )
            store = max(math.ceil(near_out / of_spikes), math.ceil(dram_out / chip.dram_bits_per_cycle))
            steps.append(Step(load, math.ceil(near_in / of_spikes), store))
    return steps
