"""Compiled loops of convolutions by blocks of filters that keep the same positions, float32, stride 1, batch innermost.

A row of the input is read once for all filters of a block, and a row of the output once for BLOCK positions. All
arrays of planes are (planes, T, height, width, B). Each number is written by one thread, so the number of threads
changes no result.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from uticket.base.compiled import compiling
from uticket.engine import block_rows as rows
from uticket.engine.block_rows import Four
from uticket.engine.blocks import BLOCK
from uticket.engine.sparse_loops import PARTS

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
TO_OUTPUT, TO_INPUT, TO_WEIGHT = range(3)  # what a pass adds to


@compiling(parallel=True)
def convolve(
    x: Floats, filters: Ints, begin: Ints, plane: Ints, row: Ints, column: Ints, weight: Floats, out: Floats
) -> None:
    """Fill the planes of `out` that are filters of a block. weight: (positions, BLOCK); the rest as in `Blocks`."""
    blocks, timesteps, height = len(filters), out.shape[1], out.shape[2]
    for place in numba.prange(blocks * timesteps * height):  # blocks innermost: the rows that they read stay in cache
        b, y, t = place % blocks, place // blocks % height, place // (blocks * height)
        for f in filters[b]:
            out[f, t, y] = 0
        _add(TO_OUTPUT, out, filters, b, x, t, y, plane, row, column, weight, begin[b], begin[b + 1])


@compiling(parallel=True)
def input_gradient(
    grad_out: Floats,
    filters: Ints,
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
        for b in range(len(filters)):
            _add(TO_INPUT, grad_out, filters, b, grad_x, t, y, plane, row, column, weight, begin[b], begin[b + 1])


@compiling(parallel=True)
def weight_gradient(
    x: Floats, grad_out: Floats, filters: Ints, begin: Ints, plane: Ints, row: Ints, column: Ints, grad: Floats
) -> None:
    """Fill the gradient of the weights, (positions, BLOCK)."""
    blocks, timesteps, height = len(filters), grad_out.shape[1], grad_out.shape[2]
    grad[:] = 0
    parts = min(blocks, PARTS)
    for part in numba.prange(parts):
        for place in range(timesteps * height):  # all blocks of a part see a row before the next: it stays in cache
            t, y = place // height, place % height
            for b in range(blocks * part // parts, blocks * (part + 1) // parts):
                _add(TO_WEIGHT, grad_out, filters, b, x, t, y, plane, row, column, grad, begin[b], begin[b + 1])


@compiling()
def _add(
    target: int,
    out: Floats,
    filters: Ints,
    b: int,
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
    """Add to a line of the target what the positions k .. end - 1 of block b give.

    line: a row of the output, or if the target is the input, of that. BLOCK positions with one row of the kernel are
    done together in the columns where all of them lie inside; the columns beside those, position by position.
    """
    height, width, images = out.shape[2:]
    per_filter, per_channel = out[0].size, x[0].size
    flat_out, flat_x = out.reshape(-1), x.reshape(-1)
    while k < end:
        count = BLOCK if k + BLOCK <= end and row[k + BLOCK - 1] == row[k] else 1
        y = line - row[k] if target == TO_INPUT else line
        at = y + row[k]
        if 0 <= y < height and 0 <= at < x.shape[2]:
            to = (t * height + y) * width * images
            of = (t * x.shape[2] + at) * x.shape[3] * images
            low, high = max(0, -column[k]), min(width, x.shape[3] - column[k + count - 1])  # columns are sorted
            if count == BLOCK and low < high:
                sources = _sources(of + low * images, per_channel, images, plane, column, k)
                to_low = _filters(to + low * images, per_filter, filters, b)
                _four(target, flat_out, to_low, flat_x, sources, weight, k, (high - low) * images)
            else:
                low = high = 0
            for j in range(k, k + count):
                left, right = max(0, -column[j]), min(width, x.shape[3] - column[j])
                for start, stop in ((left, low), (max(left, high), right)):
                    if start < stop:
                        one = of + plane[j] * per_channel + (start + column[j]) * images
                        length = (stop - start) * images
                        to_start = _filters(to + start * images, per_filter, filters, b)
                        _one(target, flat_out, to_start, flat_x, one, weight, j, length)
        k += count


@compiling()
def _filters(to: int, per_filter: int, filters: Ints, b: int) -> Four:
    """Return where the rows of a block's filters begin."""
    return (
        np.uint64(to + filters[b, 0] * per_filter),
        np.uint64(to + filters[b, 1] * per_filter),
        np.uint64(to + filters[b, 2] * per_filter),
        np.uint64(to + filters[b, 3] * per_filter),
    )


@compiling()
def _sources(of: int, per_channel: int, images: int, plane: Ints, column: Ints, k: int) -> Four:
    """Return where the rows of four positions begin."""
    return (
        np.uint64(of + plane[k] * per_channel + column[k] * images),
        np.uint64(of + plane[k + 1] * per_channel + column[k + 1] * images),
        np.uint64(of + plane[k + 2] * per_channel + column[k + 2] * images),
        np.uint64(of + plane[k + 3] * per_channel + column[k + 3] * images),
    )


@compiling()
def _four(target: int, out: Floats, to: Four, x: Floats, of: Four, weight: Floats, k: int, length: int) -> None:
    """Add what four positions give."""
    if target == TO_OUTPUT:
        rows.four_to_output(out, to, x, of, weight, k, np.uint64(length))
    elif target == TO_INPUT:
        rows.four_to_input(out, to, x, of, weight, k, np.uint64(length))
    else:
        rows.four_to_weight(out, to, x, of, weight, k, np.uint64(length))


@compiling()
def _one(target: int, out: Floats, to: Four, x: Floats, of: int, weight: Floats, k: int, length: int) -> None:
    """Add what one position gives."""
    if target == TO_OUTPUT:
        rows.one_to_output(out, to, x, np.uint64(of), weight, k, np.uint64(length))
    elif target == TO_INPUT:
        rows.one_to_input(out, to, x, np.uint64(of), weight, k, np.uint64(length))
    else:
        rows.one_to_weight(out, to, x, np.uint64(of), weight, k, np.uint64(length))
