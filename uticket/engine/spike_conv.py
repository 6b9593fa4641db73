"""A 3 x 3 convolution of spikes that computes only where a spike is, and the gradient of its weights likewise.

On CPUs, float32. The gradient of the spikes is dense work; small images have a faster way than oneDNN's.
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_input

from uticket.engine import spike_loops as loops
from uticket.engine.vectors import BACKWARD, FORWARD, PER_BLOCK, ROWS, WORDS

# densities of spikes up to which this is faster: benchmarks/results/spikes.json
FORWARD_BELOW = 0.25
GRADIENT_BELOW = 0.35
PARTS = 16  # at least, of the work on the gradient of weights
SMALL = 16  # positions of an image up to which products of matrices are the faster way back


def computes_by_spikes(module: nn.Conv2d) -> bool:
    """Return whether the loops can run a convolution: 3 x 3, stride 1, padding 1, whole blocks of channels."""
    square = module.kernel_size == (3, 3) and module.stride == module.dilation == (1, 1)
    padded = module.padding == (1, 1) and module.padding_mode == "zeros"
    plain = padded and module.groups == 1 and module.bias is None
    return square and plain and module.in_channels % PER_BLOCK == 0 and module.out_channels % FORWARD == 0


@dataclass(frozen=True)
class SpikeBits:
    """Where the spikes of images (N, channels, height, width) are, a bit for each value."""

    bits: Tensor  # (channels / 16, places), int16: see `spike_loops`
    shape: tuple[int, ...]
    density: float  # in [0, 1]

    @classmethod
    def of(cls, x: Tensor) -> "SpikeBits | None":
        """Return the spikes of x, or None if some value is neither 0 nor 1."""
        x = x.detach().contiguous(memory_format=torch.channels_last)
        images, channels = x.shape[:2]
        bits = torch.zeros((channels // PER_BLOCK, len(_image_of(*_sizes(x.shape)))), dtype=torch.int16)
        found = np.zeros((images, 2), np.int64)
        loops.find_spikes(x.permute(0, 2, 3, 1).numpy(), _unsigned(bits), found)
        spikes, others = found.sum(axis=0)
        return None if others else cls(bits, tuple(x.shape), float(spikes / x.numel()))


class SpikeConv(torch.autograd.Function):
    """A convolution for which `computes_by_spikes` holds; same results as PyTorch's up to rounding."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, spikes: SpikeBits) -> Tensor:
        """x: (N, channels, height, width), 0 or 1; spikes: those of x. Returns (N, filters, height, width)."""
        ctx.save_for_backward(weight, spikes.bits)
        ctx.shape = spikes.shape
        if spikes.density >= FORWARD_BELOW:
            return nn.functional.conv2d(x, weight, padding=1)
        filters, channels = weight.shape[:2]
        packed = weight.new_empty((filters // FORWARD, channels // PER_BLOCK, ROWS, FORWARD))
        loops.pack(_rows(weight), packed.numpy())
        images, height, width = _sizes(spikes.shape)
        out = x.new_empty((images, height, width, filters))
        places = _image_of(images, height, width)
        loops.convolve(_unsigned(spikes.bits), places, width, packed.numpy(), out.view(-1, filters).numpy())
        return out.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """Return the gradients of the input and of the weight."""
        weight, bits = ctx.saved_tensors
        grad_out = grad_out.contiguous(memory_format=torch.channels_last)
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            small = ctx.shape[2] * ctx.shape[3] <= SMALL
            way = input_gradient_by_position if small else partial(conv2d_input, padding=1)
            grad_x = way(ctx.shape, weight, grad_out)
        if ctx.needs_input_grad[1]:
            grad_weight = _weight_gradient(weight, bits, grad_out)
        return grad_x, grad_weight, None


def input_gradient_by_position(shape: tuple[int, ...], weight: Tensor, grad_out: Tensor) -> Tensor:
    """Return the gradient of the input, one product of matrices for each pair of positions that a weight joins.

    shape: of the input, (N, channels, height, width). Most of the padding that oneDNN multiplies is left out.
    """
    images, channels, height, width = shape
    by, rows = grad_out.permute(0, 2, 3, 1), weight.permute(0, 2, 3, 1)
    grad = grad_out.new_empty((images, height, width, channels))
    for y, x in product(range(height), range(width)):
        joined = [
            (v, u) for v in range(y - 1, y + 2) for u in range(x - 1, x + 2) if 0 <= v < height and 0 <= u < width
        ]
        for v, u in joined:
            beta = 0 if (v, u) == joined[0] else 1
            grad[:, y, x].addmm_(by[:, v, u], rows[:, y - v + 1, x - u + 1], beta=beta)
    return grad.permute(0, 3, 1, 2)


def _weight_gradient(weight: Tensor, bits: Tensor, grad_out: Tensor) -> Tensor:
    filters, channels = weight.shape[:2]
    images, height, width = _sizes(grad_out.shape)
    places, blocks = _image_of(images, height, width), filters // BACKWARD
    words = np.empty((len(places) // loops.CHUNK, channels, WORDS), np.uint64)
    loops.by_channel(_unsigned(bits), words)
    parts = -(-PARTS // blocks)
    # PyTorch's memory begins where a line of the cache does, as vectors should
    sums = grad_out.new_empty((blocks, parts, channels, 9, BACKWARD)).numpy()
    near = grad_out.new_empty((blocks, parts, loops.CHUNK + 2 * (width + 2), BACKWARD)).numpy()
    loops.weight_gradient(words, places, width, grad_out.permute(0, 2, 3, 1).reshape(-1, filters).numpy(), near, sums)
    grad = weight.new_empty((filters, 9, channels))
    loops.unpack(sums, grad.numpy())
    return grad.view(filters, 3, 3, channels).permute(0, 3, 1, 2)


def _rows(weight: Tensor) -> NDArray[np.float32]:
    """(filters, channels, 3, 3) -> (filters, 9, channels)."""
    rows = weight.detach().contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
    view: NDArray[np.float32] = rows.flatten(1, 2).numpy()
    return view


def _unsigned(bits: Tensor) -> NDArray[np.uint16]:
    view: NDArray[np.uint16] = bits.numpy().view(np.uint16)
    return view


def _sizes(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return images, height and width of (N, channels, height, width)."""
    return shape[0], shape[2], shape[3]


@lru_cache(maxsize=32)
def _image_of(images: int, height: int, width: int) -> NDArray[np.int32]:
    """Return the position of each place, or -1; whole chunks, with a line and a word after the last image."""
    used = images * (height + 1) * (width + 1)
    places = np.full(-(-(used + width + 6) // loops.CHUNK) * loops.CHUNK, -1, np.int32)
    inside = places[:used].reshape(images, height + 1, width + 1)
    inside[:, 1:, 1:] = np.arange(images * height * width, dtype=np.int32).reshape(images, height, width)
    return places
