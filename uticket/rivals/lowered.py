"""A convolution lowered to a matrix product (im2col), which is how the rivals are described."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike, NDArray

from uticket.ticket.layer import Layer
from uticket.ticket.spikes import turns

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


def products_of(layer: Layer, spikes: NDArray[Any], mask: Bools) -> list[Lowered]:
    """Lower a layer to the products that run one after another.

    One if it reads spikes and has no groups; a grouped convolution has one for each group. Rivals add spikes, so that
    numbers of spikes are sent in turns, a product each. Arguments as for `lower`, but `spikes` may be numbers (uint8).
    """
    filters, channels = layer.group_filters, layer.group_channels
    alone = layer.model_copy(update={"filters": filters, "channels": channels, "groups": 1})
    return [
        lower(alone, turn[:, n * channels : (n + 1) * channels], mask[n * filters : (n + 1) * filters])
        for turn in turns(spikes)
        for n in range(layer.groups)
    ]


def lower(layer: Layer, spikes: Bools, mask: Bools) -> Lowered:
    """Lower a layer without groups.

    spikes: (T, channels, height, width) of one image. mask: of the shape of the layer's weights.
    """
    (down, right), (high, wide), (rows_apart, columns_apart) = layer.stride, layer.padding, layer.dilation
    padded = np.pad(spikes, [(0, 0), (0, 0), (high, high), (wide, wide)])
    reach = rows_apart * (layer.kernel[0] - 1) + 1, columns_apart * (layer.kernel[1] - 1) + 1
    windows = sliding_window_view(padded, reach, axis=(2, 3))[:, :, ::down, ::right, ::rows_apart, ::columns_apart]
    rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(len(spikes), layer.positions, -1)
    return Lowered(rows, mask.reshape(layer.filters, -1))


def packed(rows: Bools, chunk: int, word: DTypeLike) -> NDArray[Any]:
    """Return rows as bits of words, shape (rows, words); rows: (rows, inputs), filled up to a multiple of `chunk`."""
    whole = np.pad(rows, [(0, 0), (0, -rows.shape[1] % chunk)])
    return np.packbits(np.ascontiguousarray(whole), axis=1).view(word)
