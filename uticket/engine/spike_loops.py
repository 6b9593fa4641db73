"""Compiled loops of 3 x 3 convolutions of spikes: a row of weights, or of gradients, is added where a spike is.

Places number the positions of all images in one row, each line of an image after a column without spikes and each image
after a line without: image n has (y, x) at place (n * (height + 1) + y + 1) * (width + 1) + x + 1, so that a neighbor
is as far away everywhere and no edge needs a test. `image_of` has the position n, y, x, counted through, of each place,
or -1. Each number is written by one thread, in an order that is written, so the number of threads changes no result.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from uticket.base.compiled import compiling
from uticket.engine.vectors import (
    BACKWARD,
    FORWARD,
    PER_BLOCK,
    ROWS,
    WORDS,
    add_neighbors,
    add_rows,
    column,
    spikes_of,
)

Floats = NDArray[np.float32]
Places = NDArray[np.int32]
Bits = NDArray[np.uint16]  # (channels / 16, places), a bit for each channel
Words = NDArray[np.uint64]  # (chunks, channels, WORDS), a bit for each place
CHUNK = 64 * WORDS  # places whose gradients stay in a core's cache
GROUP = 512  # places for which weights are read into a core's cache


@compiling(parallel=True)
def find_spikes(x: Floats, bits: Bits, found: NDArray[np.int64]) -> None:
    """Set the bits of x, (images, height, width, channels); found: (images, 2), spikes, and values that are none."""
    images, height, width, channels = x.shape
    flat = x.reshape(-1)
    for n in numba.prange(images):
        for y in range(height):
            for c in range(len(bits)):
                place = (n * (height + 1) + y + 1) * (width + 1) + 1
                at = (n * height + y) * width * channels + c * PER_BLOCK
                for i in range(width):
                    fired, number, whole = spikes_of(flat, at + i * channels)
                    bits[c, place + i] = fired
                    found[n, 0] += number
                    found[n, 1] += 0 if whole else 1


@compiling(parallel=True)
def by_channel(bits: Bits, words: Words) -> None:
    """Turn the bits of channels by place into those of places by channel."""
    chunks, channels, _ = words.shape
    flat, out = bits.reshape(-1), words.view(np.uint16).reshape(-1)
    for chunk in numba.prange(chunks):
        for c in range(channels):
            block, bit = c // PER_BLOCK, c % PER_BLOCK
            for i in range(CHUNK // 16):
                at = block * bits.shape[1] + chunk * CHUNK + i * 16
                out[(chunk * channels + c) * (CHUNK // 16) + i] = column(flat, at, bit)


@compiling(parallel=True)
def pack(weight: Floats, packed: Floats) -> None:
    """Lay out weights (filters, 9, channels) as (filters / 64, channels / 16, ROWS, 64), the last row zeros."""
    blocks = packed.shape[1]
    for place in numba.prange(packed.shape[0] * blocks):
        b, c = place // blocks, place % blocks
        to = packed[b, c]
        for k in range(9):
            for f in range(FORWARD):
                row = weight[b * FORWARD + f, k, c * PER_BLOCK : (c + 1) * PER_BLOCK]
                for i in range(PER_BLOCK):
                    to[k * PER_BLOCK + i, f] = row[i]
        to[ROWS - 1] = 0


@compiling(parallel=True)
def convolve(bits: Bits, image_of: Places, width: int, packed: Floats, out: Floats) -> None:
    """Fill out, (images x height x width, filters), with the sums of the weights where a spike is."""
    blocks, channel_blocks = packed.shape[:2]
    filters, length = out.shape[1], bits.shape[1]
    groups = (length + GROUP - 1) // GROUP
    spikes, rows, flat = bits.reshape(-1), packed.reshape(-1), out.reshape(-1)
    for work in numba.prange(blocks * groups):
        b, group = work // groups, work % groups
        low, high = group * GROUP, min((group + 1) * GROUP, length)
        for q in range(low, high):
            if image_of[q] >= 0:
                at = image_of[q] * filters + b * FORWARD
                flat[at : at + FORWARD] = 0
        for c in range(channel_blocks):
            of = (b * channel_blocks + c) * ROWS * FORWARD
            for q in range(low, high):
                if image_of[q] >= 0:
                    left = c * length + q - 1
                    to = image_of[q] * filters + b * FORWARD
                    add_rows(flat, to, rows, of, spikes, left - (width + 1), left, left + width + 1)


@compiling(parallel=True)
def weight_gradient(words: Words, image_of: Places, width: int, grad_out: Floats, near: Floats, sums: Floats) -> None:
    """Fill sums: (filters / 32, parts, channels, 9, 32), of each part of the chunks; they add up to the gradient.

    grad_out: (images x height x width, filters). near: (filters / 32, parts, CHUNK + 2 (width + 2), 32), memory for
    the gradients of a chunk and of those beside it.
    """
    blocks, parts, channels = sums.shape[:3]
    chunks, beside = len(words), width + 2
    spikes, flat = words.reshape(-1), sums.reshape(-1)
    for work in numba.prange(blocks * parts):
        b, part = work // parts, work % parts
        sums[b, part] = 0
        rows = near[b, part]
        source = rows.reshape(-1)
        for chunk in range(chunks * part // parts, chunks * (part + 1) // parts):
            for i in range(len(rows)):
                q, to = chunk * CHUNK + i - beside, rows[i]
                if 0 <= q < len(image_of) and image_of[q] >= 0:
                    by = grad_out[image_of[q], b * BACKWARD : (b + 1) * BACKWARD]
                    for f in range(BACKWARD):
                        to[f] = by[f]
                else:
                    to[:] = 0
            for c in range(channels):
                to_sums = ((b * parts + part) * channels + c) * 9 * BACKWARD
                at = (chunk * channels + c) * WORDS
                add_neighbors(flat, to_sums, source, beside * BACKWARD, width + 1, spikes, at)


@compiling(parallel=True)
def unpack(sums: Floats, grad: Floats) -> None:
    """Fill the gradient of weights, (filters, 9, channels), with the sums of all parts."""
    parts, channels = sums.shape[1:3]
    for b in numba.prange(len(sums)):
        for f in range(BACKWARD):
            for k in range(9):
                to = grad[b * BACKWARD + f, k]
                for c in range(channels):
                    total = sums[b, 0, c, k, f]
                    for part in range(1, parts):
                        total += sums[b, part, c, k, f]
                    to[c] = total
