"""What a PE takes of a layer (`hw.dataflow`), and how activations reach it.

A unit is the smallest piece of a layer that one PE takes. Units cut the weights of a layer evenly, in C order of
(filters, channels, height, width).
"""

from typing import Literal, Protocol

import numpy as np

from uticket.config.array import Array
from uticket.mapping.policies import MAPPINGS, Filters, Ints, Places
from uticket.ticket.layer import Layer

# broadcast: one sender for all PEs, with a barrier after each tile of each group
# streams: every PE that takes part has a sender of its own, and waits for no other PE before the end of the layer; the
#   units of a group are all on PE 0
# patches: one sender, which sends the inputs of one output position at a time, with a barrier after each group
Supply = Literal["broadcast", "streams", "patches"]


class Dataflow(Protocol):
    """How a layer is cut into units, where they go, and how activations reach the PEs.

    supply: as above. has_registers: whether a PE keeps the weights of one input channel in registers, which it fills
    anew for the next one (`hw.weight_swap_cycles`).
    """

    supply: Supply
    has_registers: bool

    def units_per_filter(self, layer: Layer) -> int:
        """Return the units of each filter."""

    def put(self, layer: Layer, filters: Filters, array: Array) -> Places:
        """Return the places of all units; filters: by which mappings sort."""

    def copies(self, used_pes: Ints, positions: int, array: Array) -> Ints:
        """Return how many copies of each group run side by side, each on its own output positions, shape (groups,).

        used_pes: (groups,), PEs that have a unit. positions: output positions of the layer.
        """


class SpareCopies:
    """Spare PEs hold further copies of the group, if the array has them share the outputs."""

    supply: Supply = "broadcast"
    has_registers = True

    def copies(self, used_pes: Ints, positions: int, array: Array) -> Ints:
        """As many whole copies as fit; PEs left over wait, and so do all spare ones with `idle`."""
        if array.spare_pes == "idle" or positions == 1:
            return np.ones(len(used_pes), dtype=np.int64)
        copies: Ints = np.clip(array.pes // np.maximum(used_pes, 1), 1, positions)
        return copies


class WholeFilters(SpareCopies):
    """The paper's dataflow: a unit is a whole filter."""

    def units_per_filter(self, layer: Layer) -> int:
        """One."""
        return 1

    def put(self, layer: Layer, filters: Filters, array: Array) -> Places:
        """As `hw.mapping` says."""
        return MAPPINGS[array.mapping](filters, array.pes)


class InputChannels(SpareCopies):
    """The `systolic` style of the published code: a unit is one input channel of one filter.

    The channels of each filter are cut into slices, one for each PE; filters run one after another. A slice has
    ceil(channels / pes) of the channels that the filter reads; where `pes` does not divide them, the last slice is
    shorter and the PEs after it have none. The order of filters makes no difference, so `hw.mapping` is not used.
    """

    def units_per_filter(self, layer: Layer) -> int:
        """One for each channel that the filter reads."""
        return layer.group_channels

    def put(self, layer: Layer, filters: Filters, array: Array) -> Places:
        """Group f is filter f."""
        channels = layer.group_channels
        slices = np.arange(channels) // -(-channels // array.pes)
        return Places(np.repeat(np.arange(layer.filters), channels), np.tile(slices, layer.filters))


class OwnOutputs:
    """Each PE takes its own part of the output positions of a group, whose units are all on PE 0 and copied to all PEs.

    Neither `hw.mapping` nor `hw.spare_pes` is used: all PEs have the same weights, and PEs are spare only where there
    are fewer output positions.
    """

    supply: Supply = "streams"

    def units_per_filter(self, layer: Layer) -> int:
        """One."""
        return 1

    def copies(self, used_pes: Ints, positions: int, array: Array) -> Ints:
        """As many as have work if the longest part of the positions is as short as `pes` allows."""
        longest = -(-positions // array.pes)
        return np.full(len(used_pes), -(-positions // longest), dtype=np.int64)


class Outputs(OwnOutputs):
    """All PEs hold the same filter: equal weights for any mask. Filters run one after another."""

    has_registers = True

    def put(self, layer: Layer, filters: Filters, array: Array) -> Places:
        """Group f is filter f."""
        return Places(np.arange(layer.filters), np.zeros(layer.filters, dtype=np.int64))


class Gustavson(OwnOutputs):
    """All filters at once: a PE adds, for each activation, a row of weights to the sums of one output position.

    A row has the weights of all filters at one kernel position. If a PE has fewer accumulators than there are filters,
    they run in groups, as few as possible and of the same size but for one filter, one group after another.
    Source: Gustavson's product of sparse matrices, row by row.
    """

    has_registers = False

    def put(self, layer: Layer, filters: Filters, array: Array) -> Places:
        """Group g has consecutive filters."""
        groups = -(-layer.filters // array.accumulators)
        number = np.arange(layer.filters)
        return Places(number * groups // layer.filters, np.zeros_like(number))


class InnerJoin(WholeFilters):
    """A PE computes one output of its filter at a time: the bitmap of its inputs is joined with that of the filter.

    Source: SparTen, and LoAS for spikes, without what either does to balance PEs.
    """

    supply: Supply = "patches"
    has_registers = False


DATAFLOWS: dict[str, Dataflow] = {
    "filters": WholeFilters(),
    "input-channels": InputChannels(),
    "outputs": Outputs(),
    "gustavson": Gustavson(),
    "inner-join": InnerJoin(),
}
