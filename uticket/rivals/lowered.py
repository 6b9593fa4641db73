"""A convolution lowered to a matrix product (im2col), which is how the rivals are described."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike, NDArray

from uticket.ticket.layer import Layer

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Lowered:
    """One layer for one image: in each timestep, spikes (positions, inputs) times weights (inputs, filters).

    An input is an input channel at a kernel position, numbered as the weights of a filter are; those of the padding
    have no spikes.
    """

    spikes: Bools  # (T, positions, inputs)
    kept: Bools  # (filters, inputs): which weights are not pruned

    @property
    def timesteps(self) -> int:
        """T."""
        return len(self.spikes)

    @property
    def positions(self) -> int:
        """Output positions."""
        return int(self.spikes.shape[1])

    @property
    def inputs(self) -> int:
        """Weights of a filter, kept or not."""
        return int(self.kept.shape[1])

    @property
    def filters(self) -> int:
        """Output channels."""
        return len(self.kept)


def lower(layer: Layer, spikes: Bools, mask: Bools) -> Lowered:
    """Lower a layer; spikes: (T, channels, height, width) of one image. mask: of the shape of the layer's weights."""
    (down, right), (high, wide) = layer.stride, layer.padding
    padded = np.pad(spikes, [(0, 0), (0, 0), (high, high), (wide, wide)])
    windows = sliding_window_view(padded, layer.kernel, axis=(2, 3))[:, :, ::down, ::right]
    rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(len(spikes), layer.positions, -1)
    return Lowered(rows, mask.reshape(layer.filters, -1))


def packed(rows: Bools, chunk: int, word: DTypeLike) -> NDArray[Any]:
    """Return rows as bits of words, shape (rows, words); rows: (rows, inputs), filled up to a multiple of `chunk`."""
    whole = np.pad(rows, [(0, 0), (0, -rows.shape[1] % chunk)])
    return np.packbits(np.ascontiguousarray(whole), axis=1).view(word)
