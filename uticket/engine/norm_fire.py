"""Batch norm and the neurons behind it in one pass, for activations that lie channel by channel on the CPU.

A channel is normalized and its neurons run while it is in a core's cache; normalized currents and membranes are never
written. Backward reads the convolution's output and the gradient of the spikes, and computes both again.
"""

from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from uticket.engine.neuron import LIF

Floats = NDArray[np.float32]
BLOCK = 512  # neurons whose timesteps are worked on at a time
SUMMED = 2048  # numbers that are summed in single precision
SUMS = {"contract", "reassoc", "nsz"}  # sums may be taken in another order, as in any fast norm


@numba.njit(parallel=True, fastmath=SUMS, cache=True)
def statistics(x: Floats, mean: Floats, variance: Floats) -> None:
    """Fill mean and variance of each channel of x, (channels, T, N), in one pass, by distances from a near mean."""
    for c in numba.prange(len(x)):
        values = x[c].reshape(-1)
        near = values[:SUMMED].mean()
        total = squares = 0.0
        for low in range(0, len(values), SUMMED):
            part = values[low : low + SUMMED]
            plain = squared = np.float32(0)
            for i in range(len(part)):
                distance = part[i] - near
                plain += distance
                squared += distance * distance
            total += float(plain)
            squares += float(squared)
        off = total / len(values)
        mean[c], variance[c] = near + off, max(squares / len(values) - off * off, 0.0)


@numba.njit(parallel=True, cache=True)
def forward(x: Floats, scale: Floats, shift: Floats, leak: float, spike_threshold: float, spikes: Floats) -> None:
    """Fill the spikes of neurons driven by x * scale + shift, all (channels, T, N)."""
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


@numba.njit(parallel=True, fastmath=SUMS, cache=True)
def backward(
    x: Floats,
    grad_spikes: Floats,
    scale: Floats,
    shift: Floats,
    constants: tuple[float, float, float],
    of_batch: bool,
    grad: Floats,
    sums: NDArray[np.float64],
) -> None:
    """Fill the gradient of x, and sums: (channels, 2), of the gradient of the currents, plain and times x.

    of_batch: scale and shift come from the statistics of x, which the gradient passes through; then sums holds the mean
    and 1 / deviation of each channel on entry.
    """
    channels, timesteps, inner = x.shape
    leak, spike_threshold, alpha = constants
    decay, gain, limit = np.float32(leak), np.float32(1 - leak), np.float32(spike_threshold)
    height, steepness = np.float32((1 - leak) * alpha / 2), np.float32(np.pi / 2 * alpha)
    zero, one = np.float32(0), np.float32(1)
    for c in numba.prange(channels):
        a, b = gain * scale[c], gain * shift[c]
        middle, per_deviation = np.float32(sums[c, 0]), np.float32(sums[c, 1])
        membranes = np.empty((timesteps, BLOCK), np.float32)
        plain = weighted = 0.0
        for low in range(0, inner, BLOCK):
            high = min(low + BLOCK, inner)
            for t in range(timesteps):
                arriving, now = x[c, t, low:high], membranes[t]
                before = membranes[max(t - 1, 0)]
                if t == 0:
                    for i in range(len(arriving)):
                        now[i] = a * arriving[i] + b
                else:
                    for i in range(len(arriving)):
                        now[i] = (decay * before[i] if before[i] < limit else zero) + (a * arriving[i] + b)
            for back in range(timesteps):
                t = timesteps - 1 - back
                now, u, out = grad_spikes[c, t, low:high], membranes[t], grad[c, t, low:high]
                later = grad[c, min(t + 1, timesteps - 1), low:high]
                arriving = x[c, t, low:high]
                if back == 0:
                    for i in range(len(now)):
                        distance = (u[i] - limit) * steepness
                        out[i] = height * now[i] / (one + distance * distance)
                else:
                    for i in range(len(now)):
                        distance = (u[i] - limit) * steepness
                        passed = decay * later[i] if u[i] < limit else zero
                        out[i] = height * now[i] / (one + distance * distance) + passed
                part = more = np.float32(0)
                for i in range(len(now)):
                    part += out[i]
                    more += out[i] * ((arriving[i] - middle) * per_deviation)
                plain += float(part)
                weighted += float(more)
        sums[c, 0], sums[c, 1] = plain, weighted
        factor, count = scale[c], timesteps * inner
        less = np.float32(plain / count) if of_batch else zero
        slope = np.float32(weighted / count) if of_batch else zero
        for t in range(timesteps):
            out, arriving = grad[c, t], x[c, t]
            for i in range(inner):
                out[i] = factor * (out[i] - less - (arriving[i] - middle) * per_deviation * slope)


class NormFire(torch.autograd.Function):
    """Spikes of neurons behind batch norm: (channels, T, ...), float32, on the CPU.

    The neurons are those of `uticket.engine.neuron.LIFSteps`; the norm is `torch.nn.functional.batch_norm`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        statistics_of: tuple[Tensor, Tensor, float],
        of_batch: bool,
        constants: tuple[float, float, float],
    ) -> Tensor:
        """weight, bias: of the norm, (channels,). statistics_of: mean, variance, and what is added to the variance."""
        mean, variance, eps = statistics_of
        per_deviation = torch.rsqrt(variance + eps)
        scale = weight.detach() * per_deviation
        shift = bias.detach() - mean * scale
        spikes = torch.empty_like(x)
        forward(_flat(x), scale.numpy(), shift.numpy(), *constants[:2], _flat(spikes))
        ctx.save_for_backward(x, scale, shift, mean, per_deviation)
        ctx.of_batch, ctx.constants = of_batch, constants
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_spikes: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None, None]:
        """Return the gradients of x, weight and bias."""
        x, scale, shift, mean, per_deviation = ctx.saved_tensors
        grad, sums = torch.empty_like(x), torch.stack([mean, per_deviation], 1).double()
        arrays = _flat(x), _flat(grad_spikes.contiguous()), scale.numpy(), shift.numpy()
        backward(*arrays, ctx.constants, ctx.of_batch, _flat(grad), sums.numpy())
        found = sums.float()
        return grad, found[:, 1], found[:, 0], None, None, None


def norm_fire(norm: nn.BatchNorm2d, neurons: LIF, x: Tensor) -> Tensor:
    """Normalize x, (channels, T, ...), as `norm` does, keeping its running statistics, and run the neurons."""
    assert norm.momentum is not None, "running statistics are exponential means"
    assert norm.running_mean is not None
    assert norm.running_var is not None
    x, mean, variance = x.contiguous(), norm.running_mean, norm.running_var
    if norm.training:
        mean, variance = torch.empty_like(mean), torch.empty_like(variance)
        statistics(_flat(x), mean.numpy(), variance.numpy())
        count = x[0].numel()
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * (count / (count - 1)), norm.momentum)
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.add_(1)
    found = mean, variance, norm.eps
    spikes: Tensor = NormFire.apply(x, norm.weight, norm.bias, found, norm.training, neurons.constants)
    return spikes


def _flat(x: Tensor) -> Floats:
    """Return a view (channels, T, N) of the memory of `x`."""
    view: Floats = x.detach().view(*x.shape[:2], -1).numpy()
    return view
