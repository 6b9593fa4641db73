"""Batch norm and the neurons after it in one pass, on the CPU.

Normalized currents and membranes are never written: backward reads the convolution's output and the gradient of the
spikes, and computes both again. Activations lie channel by channel, or with the channels innermost.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from uticket.engine.lif import LIF
from uticket.engine.memory import Memory


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
        beside: Tensor | None,
        statistics_of: tuple[Tensor, Tensor, float],
        of_batch: bool,
        constants: tuple[float, float, float],
        memory: Memory,
    ) -> Tensor:
        """weight, bias: of the norm, (channels,). beside: added to the normalized x.

        statistics_of: mean, variance, and what is added to the variance.
        """
        mean, variance, eps = statistics_of
        per_deviation = torch.rsqrt(variance + eps)
        scale = weight.detach() * per_deviation
        shift = bias.detach() - mean * scale
        spikes = memory.spikes(x)
        arrays = memory.flat(x), scale.numpy(), shift.numpy()
        memory.loops.forward(*arrays, *constants[:2], memory.flat(spikes), *memory.beside(beside))
        ctx.save_for_backward(x, scale, shift, mean, per_deviation, beside)
        ctx.of_batch, ctx.constants, ctx.memory = of_batch, constants, memory
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_spikes: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, weight, bias and beside."""
        x, scale, shift, mean, per_deviation, beside = ctx.saved_tensors
        memory, grad_spikes = ctx.memory, ctx.memory.laid_out(grad_spikes)
        grad_beside = None if beside is None else torch.empty_like(grad_spikes)
        grad, sums = torch.empty_like(x), torch.stack([mean, per_deviation], 1).double()
        arrays = memory.flat(x), memory.flat(grad_spikes), scale.numpy(), shift.numpy()
        added = *memory.beside(beside), *memory.beside(grad_beside)
        memory.loops.backward(*arrays, ctx.constants, ctx.of_batch, memory.flat(grad), sums.numpy(), *added)
        found = sums.float()
        return grad, found[:, 1], found[:, 0], grad_beside, None, None, None, None


def norm_fire(norm: nn.BatchNorm2d, neurons: LIF, x: Tensor, memory: Memory, beside: Tensor | None = None) -> Tensor:
    """Normalize x as `norm` does, keeping its running statistics, add `beside`, and run the neurons."""
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
    added = None if beside is None else memory.laid_out(beside)
    spikes: Tensor = NormFire.apply(x, norm.weight, norm.bias, added, found, norm.training, neurons.constants, memory)
    return spikes
