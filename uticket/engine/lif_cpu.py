"""The leaky integrate-and-fire neuron on CPUs: one compiled pass over the memory forward, and one backward.

Each number is written by one thread, so the number of threads changes no result.
"""

import math

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from uticket.base.compiled import compiling

Floats = NDArray[np.float32]
BLOCK = 1024  # neurons that stay in a core's cache over all timesteps
# Loops run from 0 over slices: an index that might be negative would keep the compiler from using vectors.


def forward(current: Tensor, leak: float, spike_threshold: float, dim: int) -> tuple[Tensor, Tensor]:
    """Return spikes, and the membranes before the reset for `backward`."""
    steady = current.stride(dim) == 0  # the same current in all timesteps
    arriving = _laid_out((current.narrow(dim, 0, 1) if steady else current).float(), dim)
    if dim == 0:
        membrane = torch.empty_strided(current.shape, (arriving[0].numel(), *arriving[0].stride()))
    else:
        membrane = torch.empty(current.shape)
    spikes = torch.empty_like(membrane)
    steps = [_by_steps(tensor, dim) for tensor in (arriving.detach(), membrane, spikes)]
    fire(steps[0], leak, spike_threshold, *steps[1:])
    return spikes.to(current.dtype), membrane


def backward(
    grad_spikes: Tensor, membrane: Tensor, leak: float, spike_threshold: float, alpha: float, dim: int
) -> Tensor:
    """Return the gradient of the current."""
    arriving = grad_spikes.float()
    if arriving.stride() != membrane.stride():
        arriving = torch.empty_like(membrane).copy_(arriving)
    grad = torch.empty_like(membrane)
    grad_out, membranes, out = (_by_steps(tensor, dim) for tensor in (arriving, membrane, grad))
    back_in_time(grad_out, membranes, leak, spike_threshold, alpha, out)
    return grad.to(grad_spikes.dtype)


def _laid_out(x: Tensor, dim: int) -> Tensor:
    """Return `x` with the timesteps outermost in memory (dim 0), or in the order of its dimensions."""
    if dim == 0 and (x.shape[0] == 1 or x.stride(0) == x[0].numel()):
        in_order = x[0].is_contiguous() or (x.dim() == 5 and x[0].is_contiguous(memory_format=torch.channels_last))
        if in_order:
            return x
    return x.contiguous()


def _by_steps(x: Tensor, dim: int) -> Floats:
    """Return a view (outer, timesteps, inner) of the memory of `x`."""
    outer, timesteps = math.prod(x.shape[:dim]), x.shape[dim]
    inner = x.numel() // (outer * timesteps)
    view: Floats = x.as_strided((outer, timesteps, inner), (timesteps * inner, inner, 1)).numpy()
    return view


@compiling(parallel=True)
def fire(current: Floats, leak: float, spike_threshold: float, membrane: Floats, spikes: Floats) -> None:
    """Fill membrane (before the reset) and spikes, both (outer, T, inner); current may have one timestep for all."""
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


@compiling(parallel=True)
def back_in_time(
    grad_spikes: Floats, membrane: Floats, leak: float, spike_threshold: float, alpha: float, grad: Floats
) -> None:
    """Fill the gradient of the current; all arrays are (outer, T, inner)."""
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
