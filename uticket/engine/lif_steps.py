"""The leaky integrate-and-fire neuron as a few PyTorch operations for each timestep: any device and type, traceable."""

import math

import torch
from torch import Tensor


def forward(current: Tensor, leak: float, spike_threshold: float, dim: int) -> tuple[Tensor, Tensor]:
    """Return spikes, and the membranes before the reset for `backward`."""
    exact = torch.promote_types(current.dtype, torch.float32)
    rest, membranes = torch.zeros((), dtype=exact, device=current.device), []
    for arriving in current.to(exact).unbind(dim):
        membrane = rest * leak + arriving * (1 - leak)
        rest = membrane.masked_fill(membrane >= spike_threshold, 0)
        membranes.append(membrane)
    membrane = torch.stack(membranes, dim)
    return (membrane >= spike_threshold).to(current.dtype), membrane


def backward(
    grad_spikes: Tensor, membrane: Tensor, leak: float, spike_threshold: float, alpha: float, dim: int
) -> Tensor:
    """Return the gradient of the current."""
    distance = (membrane - spike_threshold) * (math.pi / 2 * alpha)
    by_step = (grad_spikes.to(membrane.dtype) * (alpha / 2) / (1 + distance * distance)).unbind(dim)
    grads = [by_step[-1]]
    for at_spike, before in zip(by_step[-2::-1], membrane.unbind(dim)[-2::-1], strict=True):
        grads.append(at_spike + leak * grads[-1].masked_fill(before >= spike_threshold, 0))
    return torch.stack(grads[::-1], dim).mul(1 - leak).to(grad_spikes.dtype)
