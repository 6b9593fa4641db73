"""The weights of a layer in the order of the PEs that hold them."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.mapping.placed import Placed, count_by_row
from uticket.mapping.policies import Ints


@dataclass(frozen=True)
class Bins:
    """A layer laid out so that the weights of each bin (one PE in one group) stand together.

    Positions count along this layout. Bins are numbered in the order of group and PE; PEs without a unit have none.
    """

    shape: tuple[int, ...]  # of the layer's weights
    order: Ints | None  # units in the order of their bins; None if they stand so already
    group: Ints  # (bins,)
    first_unit: Ints  # (bins,), where the units of each bin begin
    unit_size: int  # weights of a unit
    channels: Ints  # (bins,), equal where bins read from the same channels, filter by filter

    @classmethod
    def of(cls, placed: Placed) -> "Bins":
        """Lay out a layer."""
        places = placed.bins
        order = None if (places[1:] >= places[:-1]).all() else np.argsort(places, kind="stable")
        units = np.bincount(places)
        found = np.flatnonzero(units)
        first_unit = np.cumsum(units[found]) - units[found]
        channels = _channels_of(placed, first_unit)
        return cls(placed.layer.weight_shape, order, found // placed.pes, first_unit, placed.unit_size, channels)

    @cached_property
    def edges(self) -> Ints:
        """Positions at which bins begin, and the end, shape (bins + 1,)."""
        return np.append(self.first_unit * self.unit_size, math.prod(self.shape))

    @cached_property
    def sizes(self) -> Ints:
        """Weights of each bin, kept or not."""
        return np.diff(self.edges)

    def count_ones(self, flat: NDArray[np.bool_]) -> Ints:
        """Count the ones of a laid out 0/1 array by bin."""
        ones: Ints = np.add.reduceat(count_by_row(flat.reshape(-1, self.unit_size)), self.first_unit)
        return ones

    def count(self, positions: Ints) -> Ints:
        """Count ascending positions by bin."""
        return np.diff(np.searchsorted(positions, self.edges))

    def bin_of(self, positions: Ints) -> Ints:
        """Return the bin of each position."""
        return np.searchsorted(self.edges, positions, side="right") - 1

    def flat(self, values: NDArray[Any]) -> NDArray[Any]:
        """Lay out an array of the layer's shape; without a new order it is a view."""
        if self.order is None:
            return values.reshape(-1)
        return values.reshape(len(self.order), -1)[self.order].reshape(-1)

    def unflat(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return laid out values to the layer's shape."""
        if self.order is None:
            return values.reshape(self.shape)
        back = np.empty_like(values).reshape(len(self.order), -1)
        back[self.order] = values.reshape(back.shape)
        return back.reshape(self.shape)


def _channels_of(placed: Placed, first_unit: Ints) -> Ints:
    """Return a number for each bin, the same for those that read from the same groups of channels, unit by unit."""
    if placed.layer.groups == 1:
        return np.zeros(len(first_unit), dtype=np.int64)
    by_bin, numbers = np.split(placed.channel_group[placed.order], first_unit[1:]), dict[bytes, int]()
    return np.array([numbers.setdefault(channels.tobytes(), len(numbers)) for channels in by_bin])
