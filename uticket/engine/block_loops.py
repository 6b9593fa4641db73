"""Compiled loops of convolutions by blocks of filters that keep the same positions, float32, stride 1, batch innermost.

A row of the input is read once for all filters of a block, and a row of the output once for BLOCK positions. All
arrays of planes are (planes, T, height, width, B). Each number is written by one thread, so the number of threads
changes no result.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from uticket.engine import block_rows as rows
from uticket.engine.block_rows import Four
from uticket.engine.blocks import BLOCK
from uticket.engine.sparse_loops import PARTS

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
TO_OUTPUT, TO_INPUT, TO_WEIGHT = range(3)  # what a pass adds to


@numba.njit(parallel=True, cache=True)
def convolve(
    x: Floats, first: Ints, begin: Ints, plane: Ints, row: Ints, column: Ints, weight: Floats, out: Floats
) -> None:
    """Fill the planes of `out` that are filters of a block. weight: (positions, BLOCK); the rest as in `Blocks`."""
    blocks, timesteps, height = len(first), out.shape[1], out.shape[2]
    for place in numba.prange(blocks * timesteps * height):  # blocks innermost: the rows that they read stay in cache
        b, y, t = place % blocks, place // blocks % height, place // (blocks * height)
        f = first[b]
        out[f : f + BLOCK, t, y] = 0
        _add(TO_OUTPUT, out, f, x, t, y, plane, row, column, weight, begin[b], begin[b + 1])


@numba.njit(parallel=True, cache=True)
def input_gradient(
    grad_out: Floats,
    first: Ints,
    begin: Ints,
    plane: Ints,
    row: Ints,
    column: Ints,
    weight: Floats,
    fill: bool,
    grad_x: Floats,
) -> None:
    """Add to the gradient of the input; fill: to zeros, whatever `grad_x` holds."""
    timesteps, height = grad_x.shape[1], grad_x.shape[2]
    for place in numba.prange(timesteps * height):
        t, y = place // height, place % height
        if fill:
            grad_x[:, t, y] = 0
        for b in range(len(first)):
            _add(TO_INPUT, grad_out, first[b], grad_x, t, y, plane, row, column, weight, begin[b], begin[b + 1])


@numba.njit(parallel=True, cache=True)
def weight_gradient(
    x: Floats, grad_out: Floats, first: Ints, begin: Ints, plane: Ints, row: Ints, column: Ints, grad: Floats
) -> None:
    """Fill the gradient of the weights, (positions, BLOCK)."""
    blocks, timesteps, height = len(first), grad_out.shape[1], grad_out.shape[2]
    grad[:] = 0
    parts = min(blocks, PARTS)
    for part in numba.prange(parts):
        for place in range(timesteps * height):  # all blocks of a part see a row before the next: it stays in cache
            t, y = place // height, place % height
            for b in range(blocks * part // parts, blocks * (part + 1) // parts):
                _add(TO_WEIGHT, grad_out, first[b], x, t, y, plane, row, column, grad, begin[b], begin[b + 1])


@numba.njit(cache=True)
def _add(
    target: int,
    out: Floats,
    f: int,
    x: Floats,
    t: int,
    line: int,
    plane: Ints,
    row: Ints,
    column: Ints,
    weight: Floats,
    k: int,
    end: int,
) -> None:
    """Add to a line of the target what the positions k .. end - 1 of the block of filter f give.

    line: a row of the output, or if the target is the input, of that. BLOCK positions with one row of the kernel are
    done together in the columns where all of them lie inside; the columns beside those, position by position.
    """
    timesteps, height, width, images = out.shape[1:]
    per_filter, per_channel = out[0].size, x[0].size
    flat_out, flat_x = out.reshape(-1), x.reshape(-1)
    while k < end:
        count = BLOCK if k + BLOCK <= end and row[k + BLOCK - 1] == row[k] else 1
        y = line - row[k] if target == TO_INPUT else line
        at = y + row[k]
        if 0 <= y < height and 0 <= at < x.shape[2]:
            to = ((f * timesteps + t) * height + y) * width * images
            of = (t * x.shape[2] + at) * x.shape[3] * images
            low, high = max(0, -column[k]), min(width, x.shape[3] - column[k + count - 1])  # columns are sorted
            if count == BLOCK and low < high:
                begins = _begins(of + low * images, per_channel, images, plane, column, k)
                _four(target, flat_out, to + low * images, per_filter, flat_x, begins, weight, k, (high - low) * images)
            else:
                low = high = 0
            for j in range(k, k + count):
                left, right = max(0, -column[j]), min(width, x.shape[3] - column[j])
                for start, stop in ((left, low), (max(left, high), right)):
                    if start < stop:
                        one = of + plane[j] * per_channel + (start + column[j]) * images
                        length = (stop - start) * images
                        _one(target, flat_out, to + start * images, per_filter, flat_x, one, weight, j, length)
        k += count


@numba.njit(cache=True)
def _begins(of: int, per_channel: int, images: int, plane: Ints, column: Ints, k: int) -> Four:
    """Return where the rows of four positions begin."""
    return (
        np.uint64(of + plane[k] * per_channel + column[k] * images),
        np.uint64(of + plane[k + 1] * per_channel + column[k + 1] * images),
        np.uint64(of + plane[k + 2] * per_channel + column[k + 2] * images),
        np.uint64(of + plane[k + 3] * per_channel + column[k + 3] * images),
    )


@numba.njit(cache=True)
def _four(
    target: int, out: Floats, to: int, per_filter: int, x: Floats, of: Four, weight: Floats, k: int, length: int
) -> None:
    """Add what four positions give."""
    begins = _filters(to, per_filter)
    if target == TO_OUTPUT:
        rows.four_to_output(out, begins, x, of, weight, k, np.uint64(length))
    elif target == TO_INPUT:
        rows.four_to_input(out, begins, x, of, weight, k, np.uint64(length))
    else:
        rows.four_to_weight(out, begins, x, of, weight, k, np.uint64(length))


@numba.njit(cache=True)
def _one(
    target: int, out: Floats, to: int, per_filter: int, x: Floats, of: int, weight: Floats, k: int, length: int
) -> None:
    """Add what one position gives."""
    begins = _filters(to, per_filter)
    if target == TO_OUTPUT:
        rows.one_to_output(out, begins, x, np.uint64(of), weight, k, np.uint64(length))
    elif target == TO_INPUT:
        rows.one_to_input(out, begins, x, np.uint64(of), weight, k, np.uint64(length))
    else:
        rows.one_to_weight(out, begins, x, np.uint64(of), weight, k, np.uint64(length))


@numba.njit(cache=True)
def _filters(to: int, per_filter: int) -> Four:
    """Return where the rows of a block's filters begin."""
    return np.uint64(to), np.uint64(to + per_filter), np.uint64(to + 2 * per_filter), np.uint64(to + 3 * per_filter)
