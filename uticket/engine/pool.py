"""2 x 2 max pooling with the batch innermost, one compiled pass forward and one backward; on CPUs, float32."""

from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from uticket.base.compiled import compiling

Floats = NDArray[np.float32]


@compiling(parallel=True)
def forward(source: Floats, out: Floats, chosen: NDArray[np.uint8]) -> None:
    """Fill out (planes, height, width, N) with the largest of each 2 x 2 of source, and which of the four it was.

    Ties go to the first; windows may reach over the lower and the right edge.
    """
    planes, height, width, inner = out.shape
    for place in numba.prange(planes * height):
        p, y = place // height, place % height
        for x in range(width):
            best, which = out[p, y, x], chosen[p, y, x]
            best[:] = source[p, 2 * y, 2 * x]
            which[:] = 0
            for number in range(1, 4):
                row, column = 2 * y + number // 2, 2 * x + number % 2
                if row < source.shape[1] and column < source.shape[2]:
                    other = source[p, row, column]
                    for i in range(inner):
                        if other[i] > best[i]:
                            best[i] = other[i]
                            which[i] = number


@compiling(parallel=True)
def backward(grad_out: Floats, chosen: NDArray[np.uint8], grad: Floats) -> None:
    """Fill the gradient of the source of `forward`."""
    planes, height, width, inner = grad_out.shape
    for place in numba.prange(planes * height):
        p, y = place // height, place % height
        for x in range(width):
            for number in range(4):
                row, column = 2 * y + number // 2, 2 * x + number % 2
                if row < grad.shape[1] and column < grad.shape[2]:
                    to, by, which = grad[p, row, column], grad_out[p, y, x], chosen[p, y, x]
                    for i in range(inner):
                        to[i] = by[i] if which[i] == number else np.float32(0)


class MaxPool(torch.autograd.Function):
    """2 x 2 max pooling of (channels, height, width, N); sizes round up, ties go to the first, as in PyTorch."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """x: (channels, height, width, N). Returns (channels, height / 2, width / 2, N)."""
        x = x.contiguous()
        out = x.new_empty((len(x), -(-x.shape[1] // 2), -(-x.shape[2] // 2), x.shape[3]))
        chosen = torch.empty(out.shape, dtype=torch.uint8)
        forward(x.detach().numpy(), out.numpy(), chosen.numpy())
        ctx.save_for_backward(chosen)
        ctx.shape = x.shape
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> Tensor:
        """Return the gradient of x; it goes to the chosen one of each window."""
        (chosen,) = ctx.saved_tensors
        grad = grad_out.new_empty(ctx.shape)
        backward(grad_out.contiguous().numpy(), chosen.numpy(), grad.numpy())
        return grad
