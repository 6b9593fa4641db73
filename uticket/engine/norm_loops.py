"""Compiled loops of batch norm and neurons in one pass, channel by channel; all activations are (channels, T, N).

A channel belongs to one thread, and every sum has a written order, so neither the number of threads nor the way the
compiler uses vectors changes a result: sums that the compiler may reorder differ between a process that compiles these
loops and one that finds them in the cache.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from uticket.base.compiled import compiling

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Constants = tuple[float, float, float]  # leak, spike_threshold and alpha of the neurons
BLOCK = 512  # neurons whose timesteps are worked on at a time
SUMMED = 2048  # numbers that are summed in single precision
LANES = 64  # sums that grow side by side, so that the compiler can use vectors; a power of two
# a check of each division, which Python's error model asks for, would keep the compiler from using vectors
PART = compiling(error_model="numpy")


@compiling(parallel=True, error_model="numpy")
def statistics(x: Floats, mean: Floats, variance: Floats) -> None:
    """Fill mean and variance of each channel of x in one pass, by distances from the mean of its first numbers."""
    for c in numba.prange(len(x)):
        values = x[c].reshape(-1)
        lanes = np.zeros((2, LANES), np.float32)
        plain, _ = _distances(values[:SUMMED], np.float32(0), lanes)
        near = np.float32(plain / min(SUMMED, len(values)))
        total = squares = 0.0
        for low in range(0, len(values), SUMMED):
            plain, squared = _distances(values[low : low + SUMMED], near, lanes)
            total += plain
            squares += squared
        off = total / len(values)
        mean[c], variance[c] = near + off, max(squares / len(values) - off * off, 0.0)


@compiling(parallel=True)
def forward(x: Floats, scale: Floats, shift: Floats, leak: float, spike_threshold: float, spikes: Floats) -> None:
    """Fill the spikes of neurons driven by x * scale + shift."""
    channels, timesteps, inner = x.shape
    decay, gain, limit = np.float32(leak), np.float32(1 - leak), np.float32(spike_threshold)
    zero, one = np.float32(0), np.float32(1)
    for c in numba.prange(channels):
        a, b = gain * scale[c], gain * shift[c]
        rest = np.empty(BLOCK, np.float32)
        for low in range(0, inner, BLOCK):
            high = min(low + BLOCK, inner)
            rest[:] = zero
            for t in range(timesteps):
                arriving, spike = x[c, t, low:high], spikes[c, t, low:high]
                for i in range(len(arriving)):
                    membrane = decay * rest[i] + (a * arriving[i] + b)
                    fires = membrane >= limit
                    spike[i] = one if fires else zero
                    rest[i] = zero if fires else membrane


@compiling(parallel=True)
def backward(
    x: Floats,
    grad_spikes: Floats,
    scale: Floats,
    shift: Floats,
    constants: Constants,
    of_batch: bool,
    grad: Floats,
    sums: Doubles,
) -> None:
    """Fill the gradient of x, and sums: (channels, 2), of the gradient of the currents, plain and times normalized x.

    of_batch: scale and shift come from the statistics of x,
    which the gradient passes through. On entry, sums holds the mean and 1 / deviation of each channel.
    """
    channels, timesteps, inner = x.shape
    gain = np.float32(1 - constants[0])
    for c in numba.prange(channels):
        middle, per_deviation = np.float32(sums[c, 0]), np.float32(sums[c, 1])
        membranes = np.empty((timesteps, BLOCK), np.float32)
        lanes, plain, weighted = np.zeros((2, LANES), np.float32), 0.0, 0.0
        for low in range(0, inner, BLOCK):
            high = min(low + BLOCK, inner)
            _recompute(x[c], low, high, gain * scale[c], gain * shift[c], constants, membranes)
            through_time(grad_spikes[c], low, high, constants, membranes, grad[c], low)
            of_block = _sums(grad[c], x[c], low, high, middle, per_deviation, lanes)
            plain += of_block[0]
            weighted += of_block[1]
        sums[c, 0], sums[c, 1] = plain, weighted
        count = timesteps * inner
        less = np.float32(sums[c, 0] / count) if of_batch else np.float32(0)
        slope = np.float32(sums[c, 1] / count) if of_batch else np.float32(0)
        _through_norm(x[c], scale[c], middle, per_deviation, less, slope, grad[c])


# The parts of `backward` take whole channels, (T, N), and the neurons low .. high - 1 of a block: a slice that keeps
# all timesteps would not be contiguous, and the compiler could not use vectors.


@PART
def _recompute(
    x: Floats, low: int, high: int, scale: np.float32, shift: np.float32, constants: Constants, membranes: Floats
) -> None:
    """Fill the membranes before the reset of neurons driven by x * scale + shift, (T, BLOCK)."""
    decay, limit = np.float32(constants[0]), np.float32(constants[1])
    zero = np.float32(0)
    for t in range(len(x)):
        arriving, now, before = x[t, low:high], membranes[t], membranes[max(t - 1, 0)]
        if t == 0:
            for i in range(len(arriving)):
                now[i] = scale * arriving[i] + shift
        else:
            for i in range(len(arriving)):
                now[i] = (decay * before[i] if before[i] < limit else zero) + (scale * arriving[i] + shift)


@PART
def through_time(
    grad_spikes: Floats, low: int, high: int, constants: Constants, membranes: Floats, grad: Floats, at: int
) -> None:
    """Fill grad, from `at` on, with the gradient of the currents, from the last timestep to the first."""
    leak, spike_threshold, alpha = constants
    decay, limit = np.float32(leak), np.float32(spike_threshold)
    end = at + high - low
    height, steepness = np.float32((1 - leak) * alpha / 2), np.float32(np.pi / 2 * alpha)
    zero, one = np.float32(0), np.float32(1)
    for back in range(len(grad)):
        t = len(grad) - 1 - back
        arriving, u, out = grad_spikes[t, low:high], membranes[t], grad[t, at:end]
        later = grad[min(t + 1, len(grad) - 1), at:end]
        if back == 0:
            for i in range(len(out)):
                distance = (u[i] - limit) * steepness
                out[i] = height * arriving[i] / (one + distance * distance)
        else:
            for i in range(len(out)):
                distance = (u[i] - limit) * steepness
                passed = decay * later[i] if u[i] < limit else zero
                out[i] = height * arriving[i] / (one + distance * distance) + passed


@PART
def _sums(
    grad: Floats, x: Floats, low: int, high: int, middle: np.float32, per_deviation: np.float32, lanes: Floats
) -> tuple[float, float]:
    """Return the sum of the gradients of a block, plain and times normalized x. lanes: (2, LANES), memory to use."""
    lanes[:] = 0
    plain, weighted = lanes[0], lanes[1]
    for t in range(len(grad)):
        for start in range(low, high, LANES):
            now, arriving = grad[t, start : min(start + LANES, high)], x[t, start : min(start + LANES, high)]
            for i in range(len(now)):
                plain[i] += now[i]
                weighted[i] += now[i] * ((arriving[i] - middle) * per_deviation)
    return _total(plain), _total(weighted)


@PART
def _through_norm(
    x: Floats,
    scale: np.float32,
    middle: np.float32,
    per_deviation: np.float32,
    less: np.float32,
    slope: np.float32,
    grad: Floats,
) -> None:
    """Turn the gradient of a channel's currents, (T, N), into that of x, in place."""
    for t in range(len(x)):
        out, arriving = grad[t], x[t]
        for i in range(len(out)):
            out[i] = scale * (out[i] - less - (arriving[i] - middle) * per_deviation * slope)


@PART
def _distances(values: Floats, near: np.float32, lanes: Floats) -> tuple[float, float]:
    """Return the sum of the distances of values from `near`, and of their squares. lanes: as in `_sums`."""
    lanes[:] = 0
    plain, squared = lanes[0], lanes[1]
    for low in range(0, len(values), LANES):
        part = values[low : low + LANES]
        for i in range(len(part)):
            distance = part[i] - near
            plain[i] += distance
            squared[i] += distance * distance
    return _total(plain), _total(squared)


@PART
def _total(lanes: Floats) -> float:
    """Return the sum of LANES numbers, whose halves are added until one is left. Changes `lanes`."""
    half = LANES // 2
    while half > 0:
        low, high = lanes[:half], lanes[half : 2 * half]
        for i in range(len(low)):
            low[i] += high[i]
        half //= 2
    return float(lanes[0])
