"""A convolution that computes with its kept weights only, and its gradients; on CPUs, float32."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from uticket.engine import sparse_loops

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Taps:
    """The kept weights of a convolution, sorted by target plane and shift, as `sparse_loops.convolve` reads them.

    Target plane f has the weights begin[f] .. begin[f + 1] - 1; each reads a plane of the source, shifted by rows and
    columns.
    """

    begin: Ints  # (target planes + 1,)
    plane: Ints  # (kept,), as are row and column
    row: Ints
    column: Ints

    @classmethod
    def of(cls, target: Ints, num_targets: int, plane: Ints, row: Ints, column: Ints) -> "Taps":
        """Return the weights of the planes `target`, which is sorted."""
        return cls(np.searchsorted(target, np.arange(num_targets + 1)), plane, row, column)


@dataclass(frozen=True)
class KeptWeights:
    """Which weights of a convolution are kept: sorted by filter for the pass forward, by channel for that backward."""

    where: tuple[Ints, ...]  # filter, channel, row and column of each, in the order of `forward`
    forward: Taps
    backward: Taps
    by_channel: Ints  # the weights of `where` in the order of `backward`
    shape: tuple[int, ...]  # (filters, channels, height, width)
    stride: int
    padding: int

    @classmethod
    def of(cls, mask: NDArray[np.bool_], stride: int, padding: int) -> "KeptWeights":
        """Sort the kept weights of a mask (filters, channels, height, width)."""
        filters, channels, rows, columns = np.nonzero(mask)
        by_filter = np.lexsort((channels, columns, rows, filters))
        where = filters, channels, rows, columns = tuple(axis[by_filter] for axis in (filters, channels, rows, columns))
        down, right = rows - padding, columns - padding  # how far a weight shifts its channel
        by_channel = np.lexsort((filters, -right, -down, channels))
        forward = Taps.of(filters, mask.shape[0], channels, down, right)
        back = [axis[by_channel] for axis in (channels, filters, -down, -right)]
        backward = Taps.of(back[0], mask.shape[1], *back[1:])
        return cls(where, forward, backward, by_channel, mask.shape, stride, padding)


class SparseConv(torch.autograd.Function):
    """A convolution by its kept weights: (channels, T, height, width, B) -> (filters, T, height, width, B)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, kept: KeptWeights) -> Tensor:
        """weight: dense, (filters, channels, height, width); pruned weights are not read."""
        x = x.contiguous()
        padded = [size + 2 * kept.padding for size in x.shape[2:4]]
        sizes = [(size - k) // kept.stride + 1 for size, k in zip(padded, kept.shape[2:], strict=True)]
        out = x.new_empty((kept.shape[0], x.shape[1], *sizes, x.shape[4]))
        values, taps = weight.detach().numpy()[kept.where], kept.forward
        lists = taps.begin, taps.plane, taps.row, taps.column, values
        sparse_loops.convolve(x.detach().numpy(), *lists, kept.stride, 1, out.numpy())
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
            sparse_loops.convolve(grad_out.numpy(), *lists, 1, kept.stride, grad_x.numpy())
        taps, found = kept.forward, np.empty_like(values)
        shifts = taps.begin, taps.plane, taps.row, taps.column
        sparse_loops.weight_gradient(x.detach().numpy(), grad_out.numpy(), *shifts, kept.stride, found)
        grad_weight = torch.zeros_like(weight)
        grad_weight.numpy()[kept.where] = found
        return grad_x, grad_weight, None
