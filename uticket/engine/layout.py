"""How activations lie in memory while a network runs, and the layers for each way.

BatchFirst is PyTorch's, (T x B, channels, height, width), dense everywhere. BatchLast, (channels, T, height, width,
B), is for CPUs and pruned weights: a kept weight multiplies rows of whole batches, so that a convolution costs what it
keeps.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from uticket.engine import kernels
from uticket.engine.neuron import LIF
from uticket.engine.norm_fire import norm_fire

SPARSE_BELOW = 0.08  # density up to which kept weights alone are faster: benchmarks/results/sparse.json


class Layout(Protocol):
    """The layers of a network in one layout."""

    def images(self, images: Tensor) -> Tensor:
        """Lay out images (B, channels, height, width)."""

    def conv(self, module: nn.Conv2d, x: Tensor) -> Tensor:
        """Convolve."""

    def norm(self, module: nn.BatchNorm2d, x: Tensor) -> Tensor:
        """Normalize over all but the channels."""

    def encode(self, neurons: LIF, current: Tensor, timesteps: int) -> Tensor:
        """Drive neurons with the same current in all timesteps: B images -> T x B."""

    def fire(self, neurons: LIF, current: Tensor, timesteps: int) -> Tensor:
        """Run neurons over the timesteps: T x B -> T x B."""

    def norm_fire(self, module: nn.BatchNorm2d, neurons: LIF, x: Tensor, timesteps: int) -> Tensor:
        """Normalize, and run neurons."""

    def pool(self, x: Tensor) -> Tensor:
        """Take the largest of each 2 x 2; sizes round up."""

    def features(self, x: Tensor) -> Tensor:
        """Return the mean over positions, (T x B, channels)."""


class BatchFirst:
    """PyTorch's layout and layers."""

    def images(self, images: Tensor) -> Tensor:
        """As they are."""
        return images

    def conv(self, module: nn.Conv2d, x: Tensor) -> Tensor:
        """Run the module, hooks included."""
        y: Tensor = module(x)
        return y

    def norm(self, module: nn.BatchNorm2d, x: Tensor) -> Tensor:
        """Run the module."""
        y: Tensor = module(x)
        return y

    def encode(self, neurons: LIF, current: Tensor, timesteps: int) -> Tensor:
        """(B, ...) -> (T x B, ...)."""
        spikes: Tensor = neurons(current.expand(timesteps, *current.shape))
        return spikes.flatten(0, 1)

    def fire(self, neurons: LIF, current: Tensor, timesteps: int) -> Tensor:
        """(T x B, ...) -> (T x B, ...)."""
        spikes: Tensor = neurons(current.unflatten(0, (timesteps, -1)))
        return spikes.flatten(0, 1)

    def norm_fire(self, module: nn.BatchNorm2d, neurons: LIF, x: Tensor, timesteps: int) -> Tensor:
        """One after the other."""
        return self.fire(neurons, self.norm(module, x), timesteps)

    def pool(self, x: Tensor) -> Tensor:
        """PyTorch's."""
        return nn.functional.max_pool2d(x, 2, ceil_mode=True)

    def features(self, x: Tensor) -> Tensor:
        """(T x B, channels)."""
        return x.mean((2, 3))


@dataclass(frozen=True)
class Taps:
    """The kept weights of a convolution, sorted by plane and shift, as `kernels.sparse_convolution` reads them."""

    begin: NDArray[np.int64]
    plane: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]


@dataclass(frozen=True)
class Kept:
    """Which weights of a convolution are kept: forward by filter, backward by channel."""

    where: tuple[NDArray[np.int64], ...]  # filter, channel, row and column of each, in the order of `forward`
    forward: Taps
    backward: Taps
    by_channel: NDArray[np.int64]  # the weights of `where` in the order of `backward`
    shape: tuple[int, ...]
    stride: int
    padding: int

    @classmethod
    def of(cls, mask: NDArray[np.bool_], stride: int, padding: int) -> "Kept":
        """Sort the kept weights of a mask (filters, channels, height, width)."""
        filters, channels, rows, columns = np.nonzero(mask)
        by_filter = np.lexsort((channels, columns, rows, filters))
        where = filters, channels, rows, columns = tuple(axis[by_filter] for axis in (filters, channels, rows, columns))
        by_channel = np.lexsort((filters, padding - columns, padding - rows, channels))
        forward = _taps(filters, mask.shape[0], channels, rows - padding, columns - padding)
        backward = _taps(
            channels[by_channel],
            mask.shape[1],
            filters[by_channel],
            padding - rows[by_channel],
            padding - columns[by_channel],
        )
        return cls(where, forward, backward, by_channel, mask.shape, stride, padding)


def _taps(
    target: NDArray[np.int64],
    planes: int,
    source: NDArray[np.int64],
    row: NDArray[np.int64],
    column: NDArray[np.int64],
) -> Taps:
    return Taps(np.searchsorted(target, np.arange(planes + 1)), source, row, column)


class SparseConv(torch.autograd.Function):
    """A convolution by its kept weights on the CPU, float32: (channels, T, height, width, B) -> (filters, T, ...)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, kept: Kept) -> Tensor:
        """x: contiguous. weight: dense; pruned weights are not read."""
        x = x.contiguous()
        padded = [size + 2 * kept.padding for size in x.shape[2:4]]
        sizes = [(size - k) // kept.stride + 1 for size, k in zip(padded, kept.shape[2:], strict=True)]
        out = x.new_empty((kept.shape[0], x.shape[1], *sizes, x.shape[4]))
        values, taps = weight.detach().numpy()[kept.where], kept.forward
        lists = taps.begin, taps.plane, taps.row, taps.column, values
        kernels.sparse_convolution(x.detach().numpy(), *lists, kept.stride, 1, out.numpy())
        ctx.save_for_backward(x, weight)
        ctx.kept = kept
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, Tensor, None]:
        """Return the gradients of the input and of the weight, which is 0 where a weight is pruned."""
        (x, weight), kept = ctx.saved_tensors, ctx.kept
        grad_out, values = grad_out.contiguous(), weight.detach().numpy()[kept.where]
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x, taps = torch.empty_like(x), kept.backward
            lists = taps.begin, taps.plane, taps.row, taps.column, values[kept.by_channel]
            kernels.sparse_convolution(grad_out.numpy(), *lists, 1, kept.stride, grad_x.numpy())
        taps, found = kept.forward, np.empty_like(values)
        lists_of = taps.begin, taps.plane, taps.row, taps.column
        kernels.sparse_weight_gradient(x.detach().numpy(), grad_out.numpy(), *lists_of, kept.stride, found)
        grad_weight = torch.zeros_like(weight)
        grad_weight.numpy()[kept.where] = found
        return grad_x, grad_weight, None


class MaxPool(torch.autograd.Function):
    """2 x 2 max pooling of (channels, height, width, N), sizes rounded up; as in PyTorch the first of equals counts."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """x: (channels, height, width, N)."""
        x = x.contiguous()
        out = x.new_empty((len(x), -(-x.shape[1] // 2), -(-x.shape[2] // 2), x.shape[3]))
        chosen = torch.empty(out.shape, dtype=torch.uint8)
        kernels.max_pool(x.detach().numpy(), out.numpy(), chosen.numpy())
        ctx.save_for_backward(chosen)
        ctx.shape = x.shape
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> Tensor:
        """The gradient goes to what was chosen."""
        (chosen,) = ctx.saved_tensors
        grad = grad_out.new_empty(ctx.shape)
        kernels.max_pool_backward(grad_out.contiguous().numpy(), chosen.numpy(), grad.numpy())
        return grad


class BatchLast:
    """(channels, T, height, width, B) on the CPU; convolutions in `kept` run by their kept weights, others densely."""

    def __init__(self, kept: Mapping[nn.Conv2d, Kept]) -> None:
        self._kept = kept

    def images(self, images: Tensor) -> Tensor:
        """(B, channels, height, width) -> (channels, 1, height, width, B)."""
        return images.permute(1, 2, 3, 0).unsqueeze(1)

    def conv(self, module: nn.Conv2d, x: Tensor) -> Tensor:
        """Convolve by kept weights, or as PyTorch does."""
        if module in self._kept:
            y: Tensor = SparseConv.apply(x, module.weight, self._kept[module])
            return y
        folded = x.permute(1, 4, 0, 2, 3).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        dense: Tensor = module(folded)
        folded_back: Tensor = dense.unflatten(0, (x.shape[1], -1))
        return folded_back.permute(2, 0, 3, 4, 1).contiguous()

    def norm(self, module: nn.BatchNorm2d, x: Tensor) -> Tensor:
        """Normalize each channel, and keep running statistics as the module does."""
        assert module.momentum is not None, "running statistics are exponential means"
        if module.training and module.num_batches_tracked is not None:
            module.num_batches_tracked.add_(1)
        y = nn.functional.batch_norm(
            x.contiguous().view(1, len(x), -1),
            module.running_mean,
            module.running_var,
            module.weight,
            module.bias,
            module.training,
            module.momentum,
            module.eps,
        )
        return y.view(x.shape)

    def encode(self, neurons: LIF, current: Tensor, timesteps: int) -> Tensor:
        """(channels, 1, ...) -> (channels, T, ...)."""
        spikes: Tensor = neurons.steps(current.expand(-1, timesteps, -1, -1, -1), dim=1)
        return spikes

    def fire(self, neurons: LIF, current: Tensor, timesteps: int) -> Tensor:
        """(channels, T, ...) -> (channels, T, ...)."""
        spikes: Tensor = neurons.steps(current, dim=1)
        return spikes

    def norm_fire(self, module: nn.BatchNorm2d, neurons: LIF, x: Tensor, timesteps: int) -> Tensor:
        """Both in one pass."""
        return norm_fire(module, neurons, x)

    def pool(self, x: Tensor) -> Tensor:
        """As PyTorch's, in this layout."""
        y: Tensor = MaxPool.apply(x.flatten(0, 1))
        pooled: Tensor = y.unflatten(0, x.shape[:2])
        return pooled

    def features(self, x: Tensor) -> Tensor:
        """(T x B, channels)."""
        return x.mean((2, 3)).flatten(1).t()


def choose_layout(
    convolutions: Mapping[str, nn.Conv2d], masks: Mapping[str, NDArray[np.bool_]], positions: Mapping[str, int]
) -> Layout:
    """Return the layout in which a pruned network trains fastest on the CPU.

    convolutions, masks, output positions: by layer. BatchLast if more than half of the dense work is in layers
    sparse enough. The density at which that pays was measured once and is fixed, so that results do not depend on how
    busy the machine is.
    """
    work = {name: mask.size * positions[name] for name, mask in masks.items() if name in convolutions}
    sparse = [name for name in work if masks[name].mean() < SPARSE_BELOW and _supported(convolutions[name])]
    if sum(work[name] for name in sparse) <= sum(work.values()) / 2:
        return BatchFirst()
    kept = {}
    for name in sparse:
        module = convolutions[name]
        kept[module] = Kept.of(masks[name], module.stride[0], int(module.padding[0]))
    return BatchLast(kept)


def _supported(module: nn.Conv2d) -> bool:
    square = len(set(module.stride)) == len(set(module.padding)) == 1
    return square and module.bias is None and math.prod(module.dilation) == module.groups == 1
