"""The leaky integrate-and-fire (LIF) neuron over all timesteps at once."""

import math
from typing import Any

import numpy as np
import snntorch
import torch
from numpy.typing import NDArray
from snntorch import surrogate
from torch import Tensor
from torch.autograd.function import once_differentiable

from uticket.snn import kernels


class LIFSteps(torch.autograd.Function):
    """Spikes of LIF neurons over T timesteps, and their gradient, without a graph node per timestep.

    The membrane before the reset is u[t] = leak * r[t-1] + (1 - leak) * current[t], with r = u where there was no
    spike and 0 where there was one (hard reset); the spike is 1 where u[t] >= spike_threshold. The gradient of the
    spike is the ATan surrogate alpha/2 / (1 + (pi/2 * alpha * (u - spike_threshold))^2); the reset is detached.
    Source: the paper's network facts; `snntorch.Leaky(reset_mechanism="zero")` is the reference in the tests.
    """

    @staticmethod
    def forward(ctx: Any, current: Tensor, leak: float, spike_threshold: float, alpha: float, dim: int = 0) -> Tensor:
        """current: floating, timesteps along `dim`. Returns spikes, 0 or 1, of the same shape and type."""
        ctx.constants, ctx.dim = (leak, spike_threshold, alpha), dim
        forward = _forward_compiled if _compiled(current) else _forward_by_step
        membrane, spikes = forward(current, leak, spike_threshold, dim)
        ctx.save_for_backward(membrane)
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_spikes: Tensor) -> tuple[Tensor, None, None, None, None]:
        """Walk back over the timesteps; the gradient passes the leak only where there was no spike."""
        (membrane,) = ctx.saved_tensors
        backward = _backward_compiled if _compiled(membrane) else _backward_by_step
        return backward(grad_spikes, membrane, ctx.constants, ctx.dim), None, None, None, None


def _compiled(values: Tensor) -> bool:
    return values.device.type == "cpu" and values.dtype == torch.float32


def _forward_by_step(current: Tensor, leak: float, spike_threshold: float, dim: int) -> tuple[Tensor, Tensor]:
    """Return membrane and spikes, a few PyTorch operations for each timestep."""
    membrane = torch.empty_like(current)
    currents, membranes = current.movedim(dim, 0), membrane.movedim(dim, 0)
    torch.mul(currents[0], 1 - leak, out=membranes[0])
    for before, now, arriving in zip(membranes, membranes[1:], currents[1:], strict=False):
        torch.mul(before, leak, out=now)
        now.masked_fill_(before >= spike_threshold, 0)
        now.add_(arriving, alpha=1 - leak)
    return membrane, (membrane >= spike_threshold).to(current.dtype)


def _backward_by_step(grad_spikes: Tensor, membrane: Tensor, constants: tuple[float, float, float], dim: int) -> Tensor:
    """Return the gradient of the current."""
    leak, spike_threshold, alpha = constants
    steepness = (membrane - spike_threshold).mul_(math.pi / 2 * alpha).square_().add_(1)
    whole = torch.div(grad_spikes, steepness).mul_(alpha / 2)
    grad, membranes = whole.movedim(dim, 0), membrane.movedim(dim, 0)
    for t in range(len(grad) - 2, -1, -1):
        grad[t].add_(grad[t + 1].masked_fill(membranes[t] >= spike_threshold, 0), alpha=leak)
    return whole.mul_(1 - leak)


def _forward_compiled(current: Tensor, leak: float, spike_threshold: float, dim: int) -> tuple[Tensor, Tensor]:
    """As `_forward_by_step`, in one pass over the memory."""
    steady = current.stride(dim) == 0  # the same current in all timesteps
    arriving = _laid_out(current.narrow(dim, 0, 1) if steady else current, dim)
    if dim == 0:
        membrane = torch.empty_strided(current.shape, (arriving[0].numel(), *arriving[0].stride()))
    else:
        membrane = torch.empty(current.shape)
    spikes = torch.empty_like(membrane)
    steps = [_by_steps(tensor, dim) for tensor in (arriving.detach(), membrane, spikes)]
    kernels.lif_forward(steps[0], leak, spike_threshold, *steps[1:])
    return membrane, spikes


def _backward_compiled(
    grad_spikes: Tensor, membrane: Tensor, constants: tuple[float, float, float], dim: int
) -> Tensor:
    """As `_backward_by_step`, in one pass over the memory."""
    if grad_spikes.stride() != membrane.stride():
        grad_spikes = torch.empty_like(membrane).copy_(grad_spikes)
    grad = torch.empty_like(membrane)
    arriving, membranes, out = (_by_steps(tensor, dim) for tensor in (grad_spikes, membrane, grad))
    kernels.lif_backward(arriving, membranes, *constants, out)
    return grad


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


class LIF(snntorch.Leaky):
    """`snntorch.Leaky` whose forward takes all timesteps: (timesteps, ...) -> spikes of the same shape.

    The membrane starts at 0 in every call. leak, spike_threshold, alpha: as in `LIFSteps`. A subclass, so that
    snnTorch's tools (NIR export, probes) find the neurons they know.
    """

    def __init__(self, leak: float, spike_threshold: float, alpha: float) -> None:
        super().__init__(
            beta=leak,
            threshold=spike_threshold,
            spike_grad=surrogate.atan(alpha),
            reset_mechanism="zero",
            reset_delay=False,
            init_hidden=True,
        )
        self._constants = leak, spike_threshold, alpha

    def forward(self, current: Tensor) -> Tensor:
        """current: (timesteps, ...), floating. Returns spikes, 0 or 1."""
        return self.steps(current, dim=0)

    def steps(self, current: Tensor, dim: int) -> Tensor:
        """As `forward`, with the timesteps along `dim`."""
        spikes: Tensor = LIFSteps.apply(current, *self._constants, dim)
        return spikes
