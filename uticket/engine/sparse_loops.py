"""Compiled loops of convolutions that compute with their kept weights only, float32, the batch innermost.

Each number is written by one thread, so the number of threads changes no result.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from uticket.base.compiled import compiling

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
PARTS = 8  # into which the filters are cut for the gradient of weights; a part is the work of one thread
TOGETHER = 4  # weights of one shift that are handled in one pass over a row
SUMS = {"contract", "reassoc", "nsz"}  # sums may be taken in another order, as in any fast convolution
# Loops run from 0 over slices: an index that might be negative would keep the compiler from using vectors.


@compiling(parallel=True, fastmath=SUMS)
def convolve(
    source: Floats,
    targets: Ints,
    begin: Ints,
    plane: Ints,
    row: Ints,
    column: Ints,
    weight: Floats,
    down: int,
    up: int,
    out: Floats,
) -> None:
    """Fill planes of `out` with sums of weighted, shifted planes of `source`; both are (planes, T, height, width, B).

    Output plane f, one of the `targets`, adds the weights begin[f] .. begin[f + 1] - 1: each times its plane of the
    source, at row (y * down + its row) / up where that is whole, columns likewise. Forward, down is the stride and up
    is 1; backward to the input it is the other way round. Weights of one shift stand together.
    """
    planes, timesteps, height = len(targets), out.shape[1], out.shape[2]
    for place in numba.prange(planes * timesteps * height):  # planes innermost: the rows that they read stay in cache
        f, y, t = targets[place % planes], place // planes % height, place // (planes * height)
        to = out[f, t, y]
        to[:] = 0
        k, end = begin[f], begin[f + 1]
        while k < end:
            count = _together(row, column, k, end) if down == 1 and up == 1 else 1
            at = y * down + row[k]
            if at >= 0 and at % up == 0 and at // up < source.shape[2]:
                if count == TOGETHER:
                    _add_four(to, source, t, at, plane, column[k], weight, k)
                elif down == 1 and up == 1:
                    _add_one(to, source[plane[k], t, at], column[k], weight[k])
                else:
                    _add_strided(to, source[plane[k], t, at // up], column[k], weight[k], down, up)
            k += count


@compiling(parallel=True, fastmath=SUMS)
def weight_gradient(
    source: Floats, grad_out: Floats, begin: Ints, plane: Ints, row: Ints, column: Ints, stride: int, grad: Floats
) -> None:
    """Fill the gradient of each kept weight; arguments as in `convolve` forward, grad: (kept,)."""
    planes, timesteps, height = grad_out.shape[:3]
    grad[:] = 0
    parts = min(planes, PARTS)
    for part in numba.prange(parts):
        for place in range(timesteps * height):  # all planes of a part see a row before the next: it stays in cache
            t, y = place // height, place % height
            for f in range(planes * part // parts, planes * (part + 1) // parts):
                k, end = begin[f], begin[f + 1]
                while k < end:
                    count = _together(row, column, k, end) if stride == 1 else 1
                    at = y * stride + row[k]
                    if 0 <= at < source.shape[2]:
                        by = grad_out[f, t, y]
                        if count == TOGETHER:
                            _multiply_four(by, source, t, at, plane, column[k], grad, k)
                        elif stride == 1:
                            grad[k] += _product(by, source[plane[k], t, at], column[k])
                        else:
                            grad[k] += _product_strided(by, source[plane[k], t, at], column[k], stride)
                    k += count


@compiling(fastmath=SUMS)
def _together(row: Ints, column: Ints, k: int, end: int) -> int:
    """Return TOGETHER if that many weights from the k-th on have its shift, else 1."""
    last = k + 1
    while last < end and last < k + TOGETHER and row[last] == row[k] and column[last] == column[k]:
        last += 1
    return TOGETHER if last - k == TOGETHER else 1


@compiling(fastmath=SUMS)
def _add_one(to: Floats, row: Floats, shift: int, weight: np.float32) -> None:
    """Add a weighted row of the source, shifted by columns, to a row of the output, both (width, B)."""
    low, high = max(0, -shift), min(len(to), len(row) - shift)
    sums, one = to[low:high].reshape(-1), row[low + shift : high + shift].reshape(-1)
    for i in range(len(sums)):
        sums[i] += weight * one[i]


@compiling(fastmath=SUMS)
def _add_four(to: Floats, source: Floats, t: int, at: int, plane: Ints, shift: int, weight: Floats, k: int) -> None:
    """Do what `_add_one` does for four weights of one shift."""
    low, high = max(0, -shift), min(len(to), source.shape[3] - shift)
    left, right = low + shift, high + shift
    sums, one = to[low:high].reshape(-1), source[plane[k], t, at, left:right].reshape(-1)
    two = source[plane[k + 1], t, at, left:right].reshape(-1)
    three = source[plane[k + 2], t, at, left:right].reshape(-1)
    four = source[plane[k + 3], t, at, left:right].reshape(-1)
    a, b, c, d = weight[k], weight[k + 1], weight[k + 2], weight[k + 3]
    for i in range(len(sums)):
        sums[i] += a * one[i] + b * two[i] + c * three[i] + d * four[i]


@compiling(fastmath=SUMS)
def _add_strided(to: Floats, row: Floats, shift: int, weight: np.float32, down: int, up: int) -> None:
    """Do what `_add_one` does for any stride, column by column."""
    for x in range(len(to)):
        beside = x * down + shift
        if beside >= 0 and beside % up == 0 and beside // up < len(row):
            sums, one = to[x], row[beside // up]
            for i in range(len(sums)):
                sums[i] += weight * one[i]


@compiling(fastmath=SUMS)
def _product(by: Floats, row: Floats, shift: int) -> np.float32:
    """Return the sum of products of a gradient's row and a row of the source shifted by columns, both (width, B)."""
    low, high = max(0, -shift), min(len(by), len(row) - shift)
    grads, one = by[low:high].reshape(-1), row[low + shift : high + shift].reshape(-1)
    a = np.float32(0)
    for i in range(len(grads)):
        a += grads[i] * one[i]
    return a


@compiling(fastmath=SUMS)
def _multiply_four(by: Floats, source: Floats, t: int, at: int, plane: Ints, shift: int, grad: Floats, k: int) -> None:
    """Add to the gradients of four weights of one shift what `_product` returns for each."""
    low, high = max(0, -shift), min(len(by), source.shape[3] - shift)
    left, right = low + shift, high + shift
    grads, one = by[low:high].reshape(-1), source[plane[k], t, at, left:right].reshape(-1)
    two = source[plane[k + 1], t, at, left:right].reshape(-1)
    three = source[plane[k + 2], t, at, left:right].reshape(-1)
    four = source[plane[k + 3], t, at, left:right].reshape(-1)
    a = b = c = d = np.float32(0)
    for i in range(len(grads)):
        a += grads[i] * one[i]
        b += grads[i] * two[i]
        c += grads[i] * three[i]
        d += grads[i] * four[i]
    grad[k] += a
    grad[k + 1] += b
    grad[k + 2] += c
    grad[k + 3] += d


@compiling(fastmath=SUMS)
def _product_strided(by: Floats, row: Floats, shift: int, stride: int) -> np.float32:
    """Do what `_product` does for any stride, column by column."""
    a = np.float32(0)
    for x in range(len(by)):
        beside = x * stride + shift
        if 0 <= beside < len(row):
            grads, one = by[x], row[beside]
            for i in range(len(grads)):
                a += grads[i] * one[i]
    return a
