"""Compiled kernels of training on CPUs: neurons over all timesteps, and sparse convolutions with the batch innermost.

Every number is written by one thread, so the number of threads changes no result.
"""

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
BLOCK = 1024  # neurons that stay in a core's cache while the timesteps go by
PARTS = 8  # into which the filters are cut for the gradient of weights; a part is the work of one thread
# Loops run from 0 over slices: an index that might be negative would keep the compiler from using vectors.
SUMS = {"contract", "reassoc", "nsz"}  # sums may be taken in another order, as in any fast convolution


@numba.njit(parallel=True, cache=True)
def lif_forward(current: Floats, leak: float, spike_threshold: float, membrane: Floats, spikes: Floats) -> None:
    """Fill membrane (before the reset) and spikes, (outer, T, inner); current may have one timestep for all."""
    outer, timesteps, inner = membrane.shape
    blocks = (inner + BLOCK - 1) // BLOCK
    decay, gain, limit = np.float32(leak), np.float32(1 - leak), np.float32(spike_threshold)
    zero, one = np.float32(0), np.float32(1)
    for place in numba.prange(outer * blocks):
        o, low = place // blocks, place % blocks * BLOCK
        high = min(low + BLOCK, inner)
        for t in range(timesteps):
            arriving = current[o, min(t, current.shape[1] - 1), low:high]
            now, spike, before = membrane[o, t, low:high], spikes[o, t, low:high], membrane[o, max(t - 1, 0), low:high]
            if t == 0:
                for i in range(len(now)):
                    now[i] = gain * arriving[i]
            else:
                for i in range(len(now)):
                    kept = decay * before[i]
                    now[i] = (kept if before[i] < limit else zero) + gain * arriving[i]
            for i in range(len(now)):
                spike[i] = one if now[i] >= limit else zero


@numba.njit(parallel=True, cache=True)
def lif_backward(
    grad_spikes: Floats, membrane: Floats, leak: float, spike_threshold: float, alpha: float, grad: Floats
) -> None:
    """Fill the gradient of the current, all (outer, T, inner)."""
    outer, timesteps, inner = membrane.shape
    blocks = (inner + BLOCK - 1) // BLOCK
    decay, limit = np.float32(leak), np.float32(spike_threshold)
    height, steepness = np.float32((1 - leak) * alpha / 2), np.float32(np.pi / 2 * alpha)
    zero, one = np.float32(0), np.float32(1)
    for place in numba.prange(outer * blocks):
        o, low = place // blocks, place % blocks * BLOCK
        high = min(low + BLOCK, inner)
        for back in range(timesteps):
            t = timesteps - 1 - back
            arriving, u, now = grad_spikes[o, t, low:high], membrane[o, t, low:high], grad[o, t, low:high]
            for i in range(len(now)):
                distance = (u[i] - limit) * steepness
                now[i] = height * arriving[i] / (one + distance * distance)
            if back > 0:
                later = grad[o, t + 1, low:high]
                for i in range(len(now)):
                    passed = decay * later[i]
                    now[i] += passed if u[i] < limit else zero


@numba.njit(parallel=True, fastmath=SUMS, cache=True)
def sparse_convolution(
    source: Floats, begin: Ints, plane: Ints, row: Ints, column: Ints, weight: Floats, down: int, up: int, out: Floats
) -> None:
    """Fill out (planes, T, height, width, B) with sums of weighted, shifted planes of source, likewise of 5 dimensions.

    Output plane f adds the weights begin[f] .. begin[f + 1] - 1: each times its plane of the source, at row
    (y * down + its row) / up where that is whole, columns likewise. Forward, down is the stride and up 1; backward to
    the input it is the other way round. Weights of the same shift stand together: four are added at a time.
    """
    planes, timesteps, height, width, _ = out.shape
    rows, columns = source.shape[2], source.shape[3]
    for place in numba.prange(planes * timesteps * height):  # planes innermost: the rows that they read stay in cache
        f, y, t = place % planes, place // planes % height, place // (planes * height)
        to = out[f, t, y]
        to[:] = 0
        k, end = begin[f], begin[f + 1]
        while k < end:
            last = k + 1
            while last < end and last < k + 4 and row[last] == row[k] and column[last] == column[k]:
                last += 1
            step = last - k if last - k == 4 and down == 1 and up == 1 else 1
            at = y * down + row[k]
            if at < 0 or at % up or at // up >= rows:
                k += step
                continue
            at //= up
            if down == 1 and up == 1:
                low, high = max(0, -column[k]), min(width, columns - column[k])
                left, right = low + column[k], high + column[k]
                sums, one = to[low:high].reshape(-1), source[plane[k], t, at, left:right].reshape(-1)
                if step == 4:
                    two = source[plane[k + 1], t, at, left:right].reshape(-1)
                    three = source[plane[k + 2], t, at, left:right].reshape(-1)
                    four = source[plane[k + 3], t, at, left:right].reshape(-1)
                    a, b, c, d = weight[k], weight[k + 1], weight[k + 2], weight[k + 3]
                    for i in range(len(sums)):
                        sums[i] += a * one[i] + b * two[i] + c * three[i] + d * four[i]
                else:
                    for i in range(len(sums)):
                        sums[i] += weight[k] * one[i]
            else:
                for x in range(width):
                    beside = x * down + column[k]
                    if beside >= 0 and beside % up == 0 and beside // up < columns:
                        sums, one = to[x], source[plane[k], t, at, beside // up]
                        for i in range(len(sums)):
                            sums[i] += weight[k] * one[i]
            k += step


@numba.njit(parallel=True, fastmath=SUMS, cache=True)
def sparse_weight_gradient(
    source: Floats, grad_out: Floats, begin: Ints, plane: Ints, row: Ints, column: Ints, stride: int, grad: Floats
) -> None:
    """Fill the gradient of each kept weight; arguments as in `sparse_convolution` forward, grad: (kept,)."""
    planes, timesteps, height, width, _ = grad_out.shape
    rows, columns = source.shape[2], source.shape[3]
    grad[:] = 0
    parts = min(planes, PARTS)
    for part in numba.prange(parts):
        for place in range(
            timesteps * height
        ):  # all planes of a part before the next row: what they read stays in cache
            t, y = place // height, place % height
            for f in range(planes * part // parts, planes * (part + 1) // parts):
                k, end = begin[f], begin[f + 1]
                while k < end:
                    last = k + 1
                    while last < end and last < k + 4 and row[last] == row[k] and column[last] == column[k]:
                        last += 1
                    step = 4 if last - k == 4 and stride == 1 else 1
                    at = y * stride + row[k]
                    if at < 0 or at >= rows:
                        k += step
                        continue
                    a = b = c = d = np.float32(0)
                    if stride == 1:
                        low, high = max(0, -column[k]), min(width, columns - column[k])
                        left, right = low + column[k], high + column[k]
                        by = grad_out[f, t, y, low:high].reshape(-1)
                        one = source[plane[k], t, at, left:right].reshape(-1)
                        if step == 4:
                            two = source[plane[k + 1], t, at, left:right].reshape(-1)
                            three = source[plane[k + 2], t, at, left:right].reshape(-1)
                            four = source[plane[k + 3], t, at, left:right].reshape(-1)
                            for i in range(len(by)):
                                a += by[i] * one[i]
                                b += by[i] * two[i]
                                c += by[i] * three[i]
                                d += by[i] * four[i]
                        else:
                            for i in range(len(by)):
                                a += by[i] * one[i]
                    else:
                        for x in range(width):
                            beside = x * stride + column[k]
                            if 0 <= beside < columns:
                                by, one = grad_out[f, t, y, x], source[plane[k], t, at, beside]
                                for i in range(len(by)):
                                    a += by[i] * one[i]
                    grad[k] += a
                    if step == 4:
                        grad[k + 1] += b
                        grad[k + 2] += c
                        grad[k + 3] += d
                    k += step


@numba.njit(parallel=True, cache=True)
def max_pool(source: Floats, out: Floats, chosen: NDArray[np.uint8]) -> None:
    """Fill out (planes, height, width, N) with the largest of each 2 x 2 of source, and which of the four it was.

    Of equal ones the first is chosen; windows may reach over the lower and right edge.
    """
    planes, height, width, inner = out.shape
    for place in numba.prange(planes * height):
        p, y = place // height, place % height
        for x in range(width):
            best, which = out[p, y, x], chosen[p, y, x]
            best[:] = source[p, 2 * y, 2 * x]
            which[:] = 0
            for number in range(1, 4):
                row, column = 2 * y + number // 2, 2 * x + number % 2
                if row < source.shape[1] and column < source.shape[2]:
                    other = source[p, row, column]
                    for i in range(inner):
                        if other[i] > best[i]:
                            best[i] = other[i]
                            which[i] = number


@numba.njit(parallel=True, cache=True)
def max_pool_backward(grad_out: Floats, chosen: NDArray[np.uint8], grad: Floats) -> None:
    """Fill the gradient of the source of `max_pool`."""
    planes, height, width, inner = grad_out.shape
    for place in numba.prange(planes * height):
        p, y = place // height, place % height
        for x in range(width):
            for number in range(4):
                row, column = 2 * y + number // 2, 2 * x + number % 2
                if row < grad.shape[1] and column < grad.shape[2]:
                    to, by, which = grad[p, row, column], grad_out[p, y, x], chosen[p, y, x]
                    for i in range(inner):
                        to[i] = by[i] if which[i] == number else np.float32(0)
