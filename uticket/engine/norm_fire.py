"""Batch norm and the neurons after it in one pass, on the CPU.

Normalized currents and membranes are never written: backward reads the convolution's output and the gradient of the
spikes, and computes both again. Activations lie channel by channel, or with the channels innermost.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from uticket.engine import norm_loops, norm_rows
from uticket.engine.lif import LIF

Floats = NDArray[np.float32]


class Memory(Protocol):
    """How activations lie in memory."""

    @property
    def loops(self) -> ModuleType:
        """The loops that run norm and neurons."""

    def laid_out(self, x: Tensor) -> Tensor:
        """Copy an activation that lies otherwise."""

    def flat(self, x: Tensor) -> Floats:
        """Return a view of the memory of an activation, as the loops take it."""

    def spikes(self, x: Tensor) -> Tensor:
        """Return memory for the spikes of neurons driven by x."""


class ChannelsFirst:
    """(channels, T, ...)."""

    loops = norm_loops

    def laid_out(self, x: Tensor) -> Tensor:
        """Copy what is not contiguous."""
        return x.contiguous()

    def flat(self, x: Tensor) -> Floats:
        """Return (channels, T, N)."""
        view: Floats = x.detach().view(*x.shape[:2], -1).numpy()
        return view

    def spikes(self, x: Tensor) -> Tensor:
        """Return as much as x has."""
        return torch.empty_like(x)


@dataclass(frozen=True)
class ChannelsLast:
    """(T x B, channels, height, width), channels innermost in memory; B images may drive all timesteps."""

    loops = norm_rows
    timesteps: int
    images: int

    def laid_out(self, x: Tensor) -> Tensor:
        """Copy what is not in this order."""
        return x.contiguous(memory_format=torch.channels_last)

    def flat(self, x: Tensor) -> Floats:
        """Return (T or 1, B x height x width x channels)."""
        view: Floats = x.detach().permute(0, 2, 3, 1).view(len(x) // self.images, -1).numpy()
        return view

    def spikes(self, x: Tensor) -> Tensor:
        """Return T x B images of as many channels."""
        shape = self.timesteps * self.images, *x.shape[1:]
        return torch.empty(shape, memory_format=torch.channels_last)


class NormFire(torch.autograd.Function):
    """Spikes of neurons after batch norm, float32, on the CPU.

    The neurons are those of `uticket.engine.lif.LIFSteps`; the norm is `torch.nn.functional.batch_norm`.
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
        memory: Memory,
    ) -> Tensor:
        """weight, bias: of the norm, (channels,). statistics_of: mean, variance, and what is added to the variance."""
        mean, variance, eps = statistics_of
        per_deviation = torch.rsqrt(variance + eps)
        scale = weight.detach() * per_deviation
        shift = bias.detach() - mean * scale
        spikes = memory.spikes(x)
        memory.loops.forward(memory.flat(x), scale.numpy(), shift.numpy(), *constants[:2], memory.flat(spikes))
        ctx.save_for_backward(x, scale, shift, mean, per_deviation)
        ctx.of_batch, ctx.constants, ctx.memory = of_batch, constants, memory
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_spikes: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None, None, None]:
        """Return the gradients of x, weight and bias."""
        x, scale, shift, mean, per_deviation = ctx.saved_tensors
        memory, grad_spikes = ctx.memory, ctx.memory.laid_out(grad_spikes)
        grad, sums = torch.empty_like(x), torch.stack([mean, per_deviation], 1).double()
        arrays = memory.flat(x), memory.flat(grad_spikes), scale.numpy(), shift.numpy()
        memory.loops.backward(*arrays, ctx.constants, ctx.of_batch, memory.flat(grad), sums.numpy())
        found = sums.float()
        return grad, found[:, 1], found[:, 0], None, None, None, None


def norm_fire(norm: nn.BatchNorm2d, neurons: LIF, x: Tensor, memory: Memory) -> Tensor:
    """Normalize x as `norm` does, keeping its running statistics, and run the neurons."""
    assert norm.momentum is not None, "running statistics are exponential means"
    assert norm.running_mean is not None
    assert norm.running_var is not None
    x, mean, variance = memory.laid_out(x), norm.running_mean, norm.running_var
    if norm.training:
        mean, variance = torch.empty_like(mean), torch.empty_like(variance)
        memory.loops.statistics(memory.flat(x), mean.numpy(), variance.numpy())
        count = x.numel() // len(mean)
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * (count / (count - 1)), norm.momentum)
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.add_(1)
    found = mean, variance, norm.eps
    spikes: Tensor = NormFire.apply(x, norm.weight, norm.bias, found, norm.training, neurons.constants, memory)
    return spikes
