"""The leaky integrate-and-fire neuron on GPUs: one Triton kernel forward and one backward, over all timesteps.

A program handles a block of neurons and holds their membranes in registers, in float32 whatever the type of the
currents. Forward writes spikes only; backward reads the currents again and recomputes the membranes.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 1024  # neurons of a program
OPTIONS = {"BLOCK": BLOCK, "enable_fp_fusion": False}  # rounded as in `lif_steps`; the kernels wait for memory anyway


@triton.jit
def _forward(current, spikes, neurons, stride, leak, spike_threshold, T: tl.constexpr, BLOCK: tl.constexpr):
    neuron = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = neuron < neurons
    rest = tl.full((BLOCK,), 0.0, tl.float32)
    for _ in tl.static_range(T):
        arriving = tl.load(current + neuron, mask=inside, other=0).to(tl.float32)
        membrane = rest * leak + arriving * (1 - leak)
        fired = membrane >= spike_threshold
        rest = tl.where(fired, 0.0, membrane)
        tl.store(spikes + neuron, tl.where(fired, 1.0, 0.0).to(spikes.dtype.element_ty), mask=inside)
        current += stride  # pointers go on by a timestep
        spikes += neurons


@triton.jit
def _backward(
    grad_spikes, current, grad, neurons, stride, leak, spike_threshold, alpha, T: tl.constexpr, BLOCK: tl.constexpr
):
    neuron = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = neuron < neurons
    rest = tl.full((BLOCK,), 0.0, tl.float32)
    membranes = ()
    for _ in tl.static_range(T):
        arriving = tl.load(current + neuron, mask=inside, other=0).to(tl.float32)
        membrane = rest * leak + arriving * (1 - leak)
        rest = tl.where(membrane >= spike_threshold, 0.0, membrane)
        membranes = membranes + (membrane,)  # type: ignore[assignment]  # noqa: RUF005
        current += stride
        grad_spikes += neurons
        grad += neurons
    later = tl.full((BLOCK,), 0.0, tl.float32)  # gradient of the membrane one timestep later
    for t in tl.static_range(T - 1, -1, -1):
        grad_spikes -= neurons
        grad -= neurons
        distance = (membranes[t] - spike_threshold) * (1.5707963267948966 * alpha)
        arriving = tl.load(grad_spikes + neuron, mask=inside, other=0).to(tl.float32)
        passed = tl.where(membranes[t] >= spike_threshold, 0.0, leak * later)
        later = arriving * (0.5 * alpha) / (1 + distance * distance) + passed
        tl.store(grad + neuron, (later * (1 - leak)).to(grad.dtype.element_ty), mask=inside)


def forward(current: Tensor, leak: float, spike_threshold: float, dim: int) -> tuple[Tensor, Tensor]:
    """Return spikes, and the currents as they are laid out in memory for `backward`."""
    assert dim == 0, "on GPUs the timesteps come first"
    if not _in_order(current[0]) or (current.stride(0) not in (0, current[0].numel())):
        current = current.contiguous()
    spikes, neurons = _empty_like(current), current[0].numel()
    sizes = neurons, current.stride(0), leak, spike_threshold
    _forward[(triton.cdiv(neurons, BLOCK),)](current, spikes, *sizes, T=len(current), **OPTIONS)
    return spikes, current


def backward(
    grad_spikes: Tensor, current: Tensor, leak: float, spike_threshold: float, alpha: float, dim: int
) -> Tensor:
    """Return the gradient of the current."""
    grad, neurons = _empty_like(current), current[0].numel()
    if grad_spikes.stride() != grad.stride():
        grad_spikes = torch.empty_like(grad).copy_(grad_spikes)
    sizes = neurons, current.stride(0), leak, spike_threshold, alpha
    _backward[(triton.cdiv(neurons, BLOCK),)](grad_spikes, current, grad, *sizes, T=len(current), **OPTIONS)
    return grad


def _in_order(x: Tensor) -> bool:
    """Say whether the memory of `x` has no gaps, in an order that PyTorch's layers keep."""
    return x.is_contiguous() or (x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last))


def _empty_like(current: Tensor) -> Tensor:
    """Return memory for as many timesteps, each laid out like those of `current`."""
    strides = current[0].numel(), *current[0].stride()
    return torch.empty_strided(current.shape, strides, dtype=current.dtype, device=current.device)
