"""Batch norm and the neurons after it in one pass, for activations that lie channel by channel on the CPU.

A channel is normalized and its neurons run while it is in a core's cache; normalized currents and membranes are never
written. Backward reads the convolution's output and the gradient of the spikes, and computes both again.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from uticket.engine import norm_loops
from uticket.engine.lif import LIF

Floats = NDArray[np.float32]


class NormFire(torch.autograd.Function):
    """Spikes of neurons after batch norm: (channels, T, ...), float32, on the CPU.

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
    ) -> Tensor:
        """weight, bias: of the norm, (channels,). statistics_of: mean, variance, and what is added to the variance."""
        mean, variance, eps = statistics_of
        per_deviation = torch.rsqrt(variance + eps)
        scale = weight.detach() * per_deviation
        shift = bias.detach() - mean * scale
        spikes = torch.empty_like(x)
        norm_loops.forward(_flat(x), scale.numpy(), shift.numpy(), *constants[:2], _flat(spikes))
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
        norm_loops.backward(*arrays, ctx.constants, ctx.of_batch, _flat(grad), sums.numpy())
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
        norm_loops.statistics(_flat(x), mean.numpy(), variance.numpy())
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
