"""The leaky integrate-and-fire neuron on CPUs: one compiled pass over the memory forward, and one backward."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from uticket.engine import kernels


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
    kernels.lif_forward(steps[0], leak, spike_threshold, *steps[1:])
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
    kernels.lif_backward(grad_out, membranes, leak, spike_threshold, alpha, out)
    return grad.to(grad_spikes.dtype)


def _laid_out(x: Tensor, dim: int) -> Tensor:
    """Return `x` with the timesteps outermost in memory (dim 0), or in the order of its dimensions."""
    if dim == 0 and (x.shape[0] == 1 or x.stride(0) == x[0].numel()):
        in_order = x[0].is_contiguous() or (x.dim() == 5 and x[0].is_contiguous(memory_format=torch.channels_last))
        if in_order:
            return x
    return x.contiguous()


def _by_steps(x: Tensor, dim: int) -> NDArray[np.float32]:
    """Return a view (outer, timesteps, inner) of the memory of `x`."""
    outer, timesteps = math.prod(x.shape[:dim]), x.shape[dim]
    inner = x.numel() // (outer * timesteps)
    view: NDArray[np.float32] = x.as_strided((outer, timesteps, inner), (timesteps * inner, inner, 1)).numpy()
    return view
