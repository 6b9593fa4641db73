"""The weights of a layer in the order of the PEs that hold them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.mapping import Mapping

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Bins:
    """A layer laid out so that the weights of each bin (one PE in one group) stand together.

    Positions count along this layout. Bins are numbered in the order of group and PE; PEs without a unit have none.
    """

    shape: tuple[int, ...]  # of the layer's weights
    order: Ints | None  # units in the order of their bins; None if they stand so already
    group: Ints  # (bins,)
    edges: Ints  # (bins + 1,), positions at which bins begin, and the end
    kept: Ints  # positions of the kept weights, ascending

    @classmethod
    def of(cls, mask: NDArray[np.bool_], mapping: Mapping) -> "Bins":
        """Lay out a mask. Raises ValueError if its weights cannot be cut into the units of the mapping."""
        num_units = len(mapping.bins)
        if mask.size % max(num_units, 1):
            raise ValueError(f"mapping: expected units that cut a mask of shape {mask.shape} evenly, came {num_units}")
        places = mapping.bins
        order = None if (np.diff(places) >= 0).all() else np.argsort(places, kind="stable")
        units = np.bincount(places)
        found = np.flatnonzero(units)
        edges = np.concatenate([[0], np.cumsum(units[found] * (mask.size // max(num_units, 1)))]).astype(np.int64)
        layout = cls(mask.shape, order, found // mapping.pes, edges, kept=np.zeros(0, dtype=np.int64))
        return cls(mask.shape, order, found // mapping.pes, edges, kept=np.flatnonzero(layout.flat(mask)))

    @cached_property
    def sizes(self) -> Ints:
        """Weights of each bin, kept or not."""
        return np.diff(self.edges)

    @cached_property
    def counts(self) -> Ints:
        """Kept weights of each bin."""
        return self.count(self.kept)

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

    def free(self, occupied: Ints, bins: Ints, ranks: Ints) -> Ints:
        """Return the position of the `ranks`-th weight that is not occupied, for each of `bins`.

        occupied: ascending positions. bins, ranks: of the same shape; a rank counts from 0.
        """
        first = np.searchsorted(occupied, self.edges)  # where the occupied positions of each bin begin
        of = np.repeat(np.arange(len(self.sizes)), np.diff(first))
        # an occupied position that has p free ones before it in its bin moves the ranks from p on by one
        before = occupied - self.edges[of] - (np.arange(len(occupied)) - first[of])
        width = int(self.sizes.max(initial=0)) + 1
        passed = np.searchsorted(of * width + before, bins * width + ranks, side="right") - first[bins]
        return self.edges[bins] + ranks + passed
