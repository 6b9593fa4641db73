"""A convolution that computes with its kept weights only, and its gradients; on CPUs, float32."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from uticket.engine import block_loops, sparse_loops
from uticket.engine.blocks import BLOCK, Blocks, find_blocks

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
    """Which weights of a convolution are kept: sorted by filter for the pass forward, by channel for that backward.

    Blocks of filters that keep the same positions are apart; `where` to `by_channel` are of the other filters.
    """

    blocks: Blocks
    filters: Ints  # those in no block
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
        blocks, mask = Blocks.of(mask, find_blocks(mask, stride), padding), mask.copy()
        mask[blocks.filters] = False
        filters, channels, rows, columns = np.nonzero(mask)
        by_filter = np.lexsort((channels, columns, rows, filters))
        where = filters, channels, rows, columns = tuple(axis[by_filter] for axis in (filters, channels, rows, columns))
        down, right = rows - padding, columns - padding  # how far a weight shifts its channel
        by_channel = np.lexsort((filters, -right, -down, channels))
        forward = Taps.of(filters, mask.shape[0], channels, down, right)
        back = [axis[by_channel] for axis in (channels, filters, -down, -right)]
        backward = Taps.of(back[0], mask.shape[1], *back[1:])
        alone = np.setdiff1d(np.arange(len(mask)), blocks.filters)
        return cls(blocks, alone, where, forward, backward, by_channel, mask.shape, stride, padding)


class SparseConv(torch.autograd.Function):
    """A convolution by its kept weights: (channels, T, height, width, B) -> (filters, T, height, width, B)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, kept: KeptWeights) -> Tensor:
        """weight: dense, (filters, channels, height, width); pruned weights are not read."""
        x = x.contiguous()
        padded = [size + 2 * kept.padding for size in x.shape[2:4]]
        sizes = [(size - k) // kept.stride + 1 for size, k in zip(padded, kept.shape[2:], strict=True)]
        out = x.new_empty((kept.shape[0], x.shape[1], *sizes, x.shape[4]))
        source, values, (taps, blocks) = x.detach().numpy(), weight.detach().numpy(), (kept.forward, kept.blocks)
        lists = taps.begin, taps.plane, taps.row, taps.column, values[kept.where]
        sparse_loops.convolve(source, kept.filters, *lists, kept.stride, 1, out.numpy())
        if len(blocks.filters):  # else not even compiled
            block_loops.convolve(source, *blocks.lists, values[blocks.where], out.numpy())
        ctx.save_for_backward(x, weight)
        ctx.kept = kept
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, Tensor, None]:
        """Return the gradients of the input and of the weight, which is 0 where a weight is pruned."""
        x, weight = ctx.saved_tensors
        grad_out = grad_out.contiguous()
        grad_x = _input_gradient(x, weight, grad_out, ctx.kept) if ctx.needs_input_grad[0] else None
        return grad_x, _weight_gradient(x, weight, grad_out, ctx.kept), None


def _input_gradient(x: Tensor, weight: Tensor, grad_out: Tensor, kept: KeptWeights) -> Tensor:
    values, taps, blocks, grad_x = weight.detach().numpy(), kept.backward, kept.blocks, torch.empty_like(x)
    lists = taps.begin, taps.plane, taps.row, taps.column, values[kept.where][kept.by_channel]
    channels = np.arange(len(x) if len(kept.filters) else 0)  # without single filters, the blocks fill the gradient
    sparse_loops.convolve(grad_out.numpy(), channels, *lists, 1, kept.stride, grad_x.numpy())
    if len(blocks.filters):
        fill = len(kept.filters) == 0
        block_loops.input_gradient(grad_out.numpy(), *blocks.lists, values[blocks.where], fill, grad_x.numpy())
    return grad_x


def _weight_gradient(x: Tensor, weight: Tensor, grad_out: Tensor, kept: KeptWeights) -> Tensor:
    taps, blocks, grad = kept.forward, kept.blocks, torch.zeros_like(weight)
    found = np.empty(len(kept.by_channel), np.float32)
    shifts = taps.begin, taps.plane, taps.row, taps.column
    sparse_loops.weight_gradient(x.detach().numpy(), grad_out.numpy(), *shifts, kept.stride, found)
    grad.numpy()[kept.where] = found
    if len(blocks.filters):
        in_blocks_found = np.empty((len(blocks.plane), BLOCK), np.float32)
        block_loops.weight_gradient(x.detach().numpy(), grad_out.numpy(), *blocks.lists, in_blocks_found)
        grad.numpy()[blocks.where] = in_blocks_found
    return grad
