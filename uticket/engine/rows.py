"""Rows of activations whose channels are innermost in memory, and sums by channel over them, compiled.

A row is the fewest whole sets of channels that are at least BLOCK numbers, so that a place of a row is always the same
channel. Sums grow side by side, one for each place, so that the compiler can use vectors, in single precision for a
while, in parts whose number is fixed. Parts are added in order, so the number of threads changes no sum.
"""

import numpy as np

from uticket.engine.norm_loops import BLOCK, PART, Doubles, Floats

PARTS = 16  # of the work; each has its own sums
SUMMED = 64  # numbers of a place that are summed in single precision


@PART
def distances(values: Floats, near: Floats, lanes: Floats) -> None:
    """Add the distances of a row from `near`, and their squares, to lanes, (2, width)."""
    plain, squared = lanes[0], lanes[1]
    for i in range(len(values)):
        distance = values[i] - near[i]
        plain[i] += distance
        squared[i] += distance * distance


@PART
def flush(lanes: Floats, sums: Doubles) -> None:
    """Add lanes to sums, both (2, width), and empty them."""
    for k in range(len(lanes)):
        of, to = lanes[k], sums[k]
        for i in range(len(of)):
            to[i] += of[i]
            of[i] = 0


@PART
def by_channel(sums: Doubles, channels: int) -> Doubles:
    """Return the sums of all parts, (PARTS, 2, width), by channel: (2, channels)."""
    total = np.zeros((2, channels))
    for part in range(len(sums)):
        for k in range(2):
            for i in range(sums.shape[2]):
                total[k, i % channels] += sums[part, k, i]
    return total


@PART
def first_mean(values: Floats, channels: int) -> Floats:
    """Return the mean of the first SUMMED numbers of each channel."""
    rows = min(SUMMED, len(values) // channels)
    total = np.zeros(channels, np.float32)
    for row in range(rows):
        for c in range(channels):
            total[c] += values[row * channels + c]
    return total / np.float32(rows)


@PART
def row_width(channels: int) -> int:
    """Return how many numbers a row has: the fewest whole sets of channels that are at least BLOCK."""
    return (BLOCK + channels - 1) // channels * channels


@PART
def tiled(values: Floats, width: int) -> Floats:
    """Repeat the numbers of the channels over a row."""
    row = np.empty(width, np.float32)
    for i in range(width):
        row[i] = values[i % len(values)]
    return row
