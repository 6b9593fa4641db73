"""The rivals counted the slow way, step by step, from lists of which inputs spike."""

from collections.abc import Callable
from itertools import product

import numpy as np

from uticket.ticket.layer import Layer

Inputs = set[int]


def inputs_of(layer: Layer, spikes: np.ndarray) -> list[list[Inputs]]:
    """For each timestep and output position, the inputs with a spike; spikes: (T, channels, height, width)."""
    found = []
    for image in spikes:
        rows = []
        for y, x in product(*(range(size) for size in layer.output_size)):
            row = set()
            for number, (c, i, j) in enumerate(product(range(layer.channels), *(range(size) for size in layer.kernel))):
                down = y * layer.stride[0] + i * layer.dilation[0] - layer.padding[0]
                right = x * layer.stride[1] + j * layer.dilation[1] - layer.padding[1]
                if 0 <= down < layer.input_size[0] and 0 <= right < layer.input_size[1] and image[c, down, right]:
                    row.add(number)
            rows.append(row)
        found.append(rows)
    return found


def groups(count: int, size: int) -> range:
    return range(0, count, size)


def dense(layer: Layer, rows: list[list[Inputs]], mask: np.ndarray, grid: tuple[int, int]) -> int:
    tiles = product(groups(layer.filters, grid[0]), groups(mask[0].size, grid[1]))
    return sum(1 for _ in tiles for timestep in rows for _ in timestep)


def spinalflow(layer: Layer, rows: list[list[Inputs]], mask: np.ndarray, pes: int) -> int:
    return sum(1 for _ in groups(layer.filters, pes) for timestep in rows for row in timestep for _ in row)


def sato(layer: Layer, rows: list[list[Inputs]], mask: np.ndarray, pes: int) -> int:
    busy = [0] * pes
    for timestep in rows:
        for row in timestep:
            busy[busy.index(min(busy))] += len(row)
    return sum(max(busy) for _ in range(layer.filters))


def ptb(layer: Layer, rows: list[list[Inputs]], mask: np.ndarray, grid: tuple[int, int]) -> int:
    window = min(4, len(rows))
    windows = [
        set().union(*(timestep[position] for timestep in rows[begin : begin + window]))
        for begin in groups(len(rows), window)
        for position in range(layer.positions)
    ]
    long = -(-len(windows) // grid[1])
    cycles = 0
    for _ in groups(layer.filters, grid[0]):
        for step in range(long):
            column = [windows[n] if n < len(windows) else set() for n in range(step, long * grid[1], long)]
            waiting = []
            for number in range(mask[0].size):
                spiking = {c for c, live in enumerate(column) if number in live}
                if len(spiking) == grid[1]:
                    cycles += window
                elif spiking:
                    waiting.append(spiking)
            while waiting:
                first = waiting.pop(0)
                second = next((other for other in waiting if not other & first), None)
                if second is not None:
                    del waiting[next(n for n, other in enumerate(waiting) if other is second)]
                cycles += window
    return cycles


def loas(layer: Layer, rows: list[list[Inputs]], mask: np.ndarray, pes: int) -> int:
    kept = [set(np.flatnonzero(one)) for one in mask.reshape(layer.filters, -1)]
    cycles = 0
    for position, weights in product(range(layer.positions), kept):
        live = set().union(*(timestep[position] for timestep in rows))
        for begin in groups(mask[0].size, 128):
            cycles += max(len({n for n in live & weights if begin <= n < begin + 128}), 1)
    tppes = max(pes // (1 + len(rows)), 1)
    return -(-cycles // tppes)


def prosperity(layer: Layer, rows: list[list[Inputs]], mask: np.ndarray, pes: int) -> int:
    ordered = [timestep[position] for position in range(layer.positions) for timestep in rows]
    adding = finding = 0
    for top, left in product(groups(len(ordered), 256), groups(mask[0].size, 16)):
        tile = [{n for n in row if left <= n < left + 16} for row in ordered[top : top + 256]]
        finding += len(tile) // 8
        for number, row in enumerate(tile):
            rest = len(row)
            if rest > 1:
                finding += 1
                reused = (len(n) for at, n in enumerate(tile) if n < row or (n == row and at < number))
                rest -= max(reused, default=0)
            adding += max(rest, 1) if row else 0
    return sum(max(adding, finding) for _ in groups(layer.filters, pes))


PLAIN: dict[str, Callable] = {
    "dense": dense,
    "ptb": ptb,
    "sato": sato,
    "spinalflow": spinalflow,
    "loas": loas,
    "prosperity": prosperity,
}
