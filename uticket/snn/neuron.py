"""The leaky integrate-and-fire (LIF) neuron over all timesteps at once."""

import math
from typing import Any

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor
from torch.autograd.function import once_differentiable


class LIFSteps(torch.autograd.Function):
    """Spikes of LIF neurons over T timesteps, and their gradient, without a graph node per timestep.

    The membrane before the reset is u[t] = leak * r[t-1] + (1 - leak) * current[t], with r = u where there was no
    spike and 0 where there was one (hard reset); the spike is 1 where u[t] >= spike_threshold. The gradient of the
    spike is the ATan surrogate alpha/2 / (1 + (pi/2 * alpha * (u - spike_threshold))^2); the reset is detached.
    Source: the paper's network facts; `snntorch.Leaky(reset_mechanism="zero")` is the reference in the tests.
    """

    @staticmethod
    def forward(ctx: Any, current: Tensor, leak: float, spike_threshold: float, alpha: float) -> Tensor:
        """current: (timesteps, ...). Returns spikes, 0 or 1, of the same shape and type."""
        membrane = torch.empty_like(current)
        torch.mul(current[0], 1 - leak, out=membrane[0])
        for before, now, arriving in zip(membrane, membrane[1:], current[1:], strict=False):
            torch.mul(before, leak, out=now)
            now.masked_fill_(before >= spike_threshold, 0)
            now.add_(arriving, alpha=1 - leak)
        spikes = (membrane >= spike_threshold).to(current.dtype)
        ctx.save_for_backward(membrane)
        ctx.constants = leak, spike_threshold, alpha
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_spikes: Tensor) -> tuple[Tensor, None, None, None]:
        """Walk back over the timesteps; the gradient passes the leak only where there was no spike."""
        (membrane,) = ctx.saved_tensors
        leak, spike_threshold, alpha = ctx.constants
        steepness = (membrane - spike_threshold).mul_(math.pi / 2 * alpha).square_().add_(1)
        grad = torch.div(grad_spikes, steepness).mul_(alpha / 2)
        for t in range(len(membrane) - 2, -1, -1):
            grad[t].add_(grad[t + 1].masked_fill(membrane[t] >= spike_threshold, 0), alpha=leak)
        return grad.mul_(1 - leak), None, None, None


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
        spikes: Tensor = LIFSteps.apply(current, *self._constants)
        return spikes
