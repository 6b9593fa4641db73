"""Compiled loops of batch norm and neurons in one pass, for channels that are innermost in memory.

All activations are (T, N x channels); what drives the neurons may have one timestep for all. `norm_loops` runs a
channel at a time, this a row (`rows`), with a scale for each number of it. The number of threads changes no result.
"""

import numba
import numpy as np

from uticket.base.compiled import compiling
from uticket.engine.norm_loops import PART, Constants, Doubles, Floats, through_time
from uticket.engine.rows import PARTS, SUMMED, by_channel, distances, first_mean, flush, row_width, tiled


@compiling(parallel=True, error_model="numpy")
def statistics(x: Floats, mean: Floats, variance: Floats) -> None:
    """Fill mean and variance of each channel of x in one pass, by distances from the mean of its first numbers."""
    values, channels = x.reshape(-1), len(mean)
    width = row_width(channels)
    near = tiled(first_mean(values, channels), width)
    sums = np.zeros((PARTS, 2, width))
    rows = (len(values) + width - 1) // width
    for part in numba.prange(PARTS):
        lanes = np.zeros((2, width), np.float32)
        for first in range(rows * part // PARTS, rows * (part + 1) // PARTS, SUMMED):
            for row in range(first, min(first + SUMMED, rows * (part + 1) // PARTS)):
                distances(values[row * width : (row + 1) * width], near, lanes)
            flush(lanes, sums[part])
    count = len(values) // channels
    totals = by_channel(sums, channels)
    for c in range(channels):
        off = totals[0, c] / count
        mean[c], variance[c] = near[c] + off, max(totals[1, c] / count - off * off, 0.0)


@compiling(parallel=True, error_model="numpy")
def forward(
    x: Floats, scale: Floats, shift: Floats, leak: float, spike_threshold: float, spikes: Floats, beside: Floats
) -> None:
    """Fill the spikes of neurons driven by x * scale + shift + beside, or without beside, if it is empty."""
    timesteps, inner = spikes.shape
    decay, gain, limit = np.float32(leak), np.float32(1 - leak), np.float32(spike_threshold)
    zero, one = np.float32(0), np.float32(1)
    width = row_width(len(scale))
    scales, shifts = tiled(gain * scale, width), tiled(gain * shift, width)
    rows = (inner + width - 1) // width
    for part in numba.prange(PARTS):
        rest, driven = np.empty(width, np.float32), np.empty(width, np.float32)
        for row in range(rows * part // PARTS, rows * (part + 1) // PARTS):
            low, high = row * width, min((row + 1) * width, inner)
            rest[:] = zero
            for t in range(timesteps):
                arriving, spike = x[min(t, len(x) - 1), low:high], spikes[t, low:high]
                offset = _offset(shifts, beside, t, low, high, gain, driven)
                for i in range(len(arriving)):
                    membrane = decay * rest[i] + (scales[i] * arriving[i] + offset[i])
                    fires = membrane >= limit
                    spike[i] = one if fires else zero
                    rest[i] = zero if fires else membrane


@compiling(parallel=True, error_model="numpy")
def backward(
    x: Floats,
    grad_spikes: Floats,
    scale: Floats,
    shift: Floats,
    constants: Constants,
    of_batch: bool,
    grad: Floats,
    sums: Doubles,
    beside: Floats,
    grad_beside: Floats,
) -> None:
    """Fill the gradients of x and beside, and sums as `norm_loops.backward` does, with the same on entry."""
    timesteps, inner = grad_spikes.shape
    channels, gain = len(scale), np.float32(1 - constants[0])
    width = row_width(channels)
    scales, shifts = tiled(gain * scale, width), tiled(gain * shift, width)
    middle = tiled(sums[:, 0].astype(np.float32), width)
    of_parts = np.zeros((PARTS, 2, width))
    rows, stretch = (inner + width - 1) // width, max(SUMMED // timesteps, 1)
    for part in numba.prange(PARTS):
        membranes, lanes = np.empty((timesteps, width), np.float32), np.zeros((2, width), np.float32)
        grads, driven = np.empty((timesteps, width), np.float32), np.empty(width, np.float32)
        for first in range(rows * part // PARTS, rows * (part + 1) // PARTS, stretch):
            for row in range(first, min(first + stretch, rows * (part + 1) // PARTS)):
                low, high = row * width, min((row + 1) * width, inner)
                _recompute(x, low, high, scales, shifts, beside, constants, driven, membranes)
                through_time(grad_spikes, low, high, constants, membranes, grads, 0)
                for t in range(len(grad_beside)):
                    grad_beside[t, low:high] = grads[t, : high - low]
                _add(grads, x, low, high, middle, lanes, grad)
            flush(lanes, of_parts[part])
    totals = by_channel(of_parts, channels)
    less, slope = np.zeros(channels, np.float32), np.zeros(channels, np.float32)
    for c in range(channels):
        per_deviation, count = sums[c, 1], x.size // channels
        sums[c, 0], sums[c, 1] = totals[0, c], totals[1, c] * per_deviation
        if of_batch:
            less[c], slope[c] = sums[c, 0] / count, sums[c, 1] / count * per_deviation
    _through_norm(x.reshape(-1), tiled(scale, width), middle, tiled(less, width), tiled(slope, width), grad.reshape(-1))


@PART
def _offset(shift: Floats, beside: Floats, t: int, low: int, high: int, gain: np.float32, driven: Floats) -> Floats:
    """Return shift, a row, plus a row of beside times the gain, in `driven`; shift itself if beside is empty."""
    if len(beside) == 0:
        return shift
    added = beside[t, low:high]
    for i in range(len(added)):
        driven[i] = shift[i] + gain * added[i]
    return driven


@PART
def _recompute(
    x: Floats,
    low: int,
    high: int,
    scale: Floats,
    shift: Floats,
    beside: Floats,
    constants: Constants,
    driven: Floats,
    membranes: Floats,
) -> None:
    """Fill the membranes before the reset, (T, width); scale and shift with the gain. driven: memory to use."""
    decay, limit = np.float32(constants[0]), np.float32(constants[1])
    zero = np.float32(0)
    for t in range(len(membranes)):
        arriving, now, before = x[min(t, len(x) - 1), low:high], membranes[t], membranes[max(t - 1, 0)]
        offset = _offset(shift, beside, t, low, high, np.float32(1 - constants[0]), driven)
        if t == 0:
            for i in range(len(arriving)):
                now[i] = scale[i] * arriving[i] + offset[i]
        else:
            for i in range(len(arriving)):
                now[i] = (decay * before[i] if before[i] < limit else zero) + (scale[i] * arriving[i] + offset[i])


@PART
def _add(grads: Floats, x: Floats, low: int, high: int, middle: Floats, lanes: Floats, grad: Floats) -> None:
    """Fill a row of grad from grads, (T, width), those of the currents; summed up if x has one timestep for all.

    Adds them to lanes, (2, width), plain and times the distance of x from its mean.
    """
    plain, weighted = lanes[0], lanes[1]
    for t in range(len(x), len(grads)):
        total, now = grads[0], grads[t]
        for i in range(len(now)):
            total[i] += now[i]
    for t in range(len(x)):
        now, arriving, out = grads[t], x[t, low:high], grad[t, low:high]
        for i in range(len(out)):
            plain[i] += now[i]
            weighted[i] += now[i] * (arriving[i] - middle[i])
            out[i] = now[i]


@compiling(parallel=True, error_model="numpy")
def _through_norm(x: Floats, scale: Floats, middle: Floats, less: Floats, slope: Floats, grad: Floats) -> None:
    """Turn the gradient of the currents into that of x, in place; both flat."""
    width = len(scale)
    for row in numba.prange((len(x) + width - 1) // width):
        out, arriving = grad[row * width : (row + 1) * width], x[row * width : (row + 1) * width]
        for i in range(len(out)):
            out[i] = scale[i] * (out[i] - less[i] - (arriving[i] - middle[i]) * slope[i])
