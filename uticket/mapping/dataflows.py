"""What a PE takes of a layer (`hw.dataflow`).

A unit is the smallest piece of a layer that one PE takes. Units cut the weights of a layer evenly, in C order of
(filters, channels, height, width).
"""

from typing import Protocol

import numpy as np

from uticket.config.array import Array
from uticket.mapping.policies import MAPPINGS, Ints, Places
from uticket.ticket.layer import Layer


class Dataflow(Protocol):
    """How a layer is cut into units, and where they go."""

    def units_per_filter(self, layer: Layer) -> int:
        """Return the units of each filter."""

    def put(self, layer: Layer, workload: Ints, array: Array) -> Places:
        """Return the places of all units; workload: (filters,), by which mappings sort."""

    def copies(self, used_pes: Ints, positions: int, array: Array) -> Ints:
        """Return how many copies of each group run side by side, each on its own output positions, shape (groups,).

        used_pes: (groups,), PEs that have a unit. positions: output positions of the layer.
        """


class SpareCopies:
    """Spare PEs hold further copies of the group, if the array has them share the outputs."""

    def copies(self, used_pes: Ints, positions: int, array: Array) -> Ints:
        """As many whole copies as fit; PEs left over wait, and so do all spare ones with `idle`."""
        if array.spare_pes == "idle" or positions == 1:
            return np.ones(len(used_pes), dtype=np.int64)
        copies: Ints = np.clip(array.pes // np.maximum(used_pes, 1), 1, positions)
        return copies


class Filters(SpareCopies):
    """The paper's dataflow: a unit is a whole filter."""

    def units_per_filter(self, layer: Layer) -> int:
        """One."""
        return 1

    def put(self, layer: Layer, workload: Ints, array: Array) -> Places:
        """As `hw.mapping` says."""
        return MAPPINGS[array.mapping](workload, array.pes)


class InputChannels(SpareCopies):
    """The `systolic` style of the published code: a unit is one input channel of one filter.

    The channels of each filter are cut into slices, one for each PE; filters run one after another. A slice has
    ceil(channels / pes) channels; where `pes` does not divide them, the last slice is shorter and the PEs after it have
    none. The order of filters makes no difference, so `hw.mapping` is not used.
    """

    def units_per_filter(self, layer: Layer) -> int:
        """One for each channel."""
        return layer.channels

    def put(self, layer: Layer, workload: Ints, array: Array) -> Places:
        """Group f is filter f."""
        slices = np.arange(layer.channels) // -(-layer.channels // array.pes)
        return Places(np.repeat(np.arange(layer.filters), layer.channels), np.tile(slices, layer.filters))


DATAFLOWS: dict[str, Dataflow] = {
    "filters": Filters(),
    "input-channels": InputChannels(),
}
