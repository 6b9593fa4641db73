"""Which weights run where: the one answer that balancing, storage, timing and traffic share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.arrays import Lazy
from uticket.base.errors import InputError
from uticket.config.array import Array
from uticket.mapping.dataflows import DATAFLOWS, Dataflow
from uticket.mapping.policies import Filters, Ints, in_order
from uticket.ticket.layer import Layer
from uticket.ticket.mask import Mask
from uticket.ticket.quantize import stored
from uticket.ticket.ticket import Ticket

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Placed:
    """A layer on an array of PEs.

    Groups run one after another; in a group every PE works through its own units (`uticket.mapping.dataflows`), all PEs
    at the same time. A group may have units for fewer PEs than there are.
    """

    layer: Layer
    masks: Mapping[str, Bools]  # what the array holds of each layer, of the shape of its weights
    pes: int
    group: Ints  # (units,)
    pe: Ints  # (units,), in [0, pes)
    copies: Ints  # (groups,), copies of the group that run side by side, each on its own output positions
    nonzeros: Ints  # (units,), kept weights
    dataflow: Dataflow = DATAFLOWS["filters"]

    @property
    def mask(self) -> Bools:
        """What the array holds, of the shape of the layer's weights; made each time if the network is large."""
        return self.masks[self.layer.name]

    @property
    def num_groups(self) -> int:
        """Groups that run one after another."""
        return len(self.copies)

    @property
    def bins(self) -> Ints:
        """The place of each unit as one number, group * pes + pe, shape (units,)."""
        return self.group * self.pes + self.pe

    @property
    def unit_size(self) -> int:
        """Weights of a unit, kept or not."""
        return self.layer.num_weights // max(len(self.group), 1)

    @property
    def units_per_filter(self) -> int:
        """Units of each filter."""
        return len(self.group) // self.layer.filters

    @property
    def filters_of_a_pe(self) -> int:
        """The most filters that a PE of a group holds, or holds slices of."""
        return -(-int(np.bincount(self.bins).max(initial=1)) // self.units_per_filter)

    @property
    def filter(self) -> Ints:
        """The output channel of each unit, shape (units,)."""
        return np.arange(len(self.group)) // self.units_per_filter

    @property
    def channel_group(self) -> Ints:
        """The group of channels that each unit reads from, shape (units,): 0 unless the convolution is grouped."""
        return self.filter // self.layer.group_filters

    @cached_property
    def reading(self) -> Ints:
        """Units by the channels that they read from, shape (groups, PEs in use at most, groups of channels)."""
        pes, parts = int(self.pe.max(initial=0)) + 1, self.layer.groups
        place = (self.group * pes + self.pe) * parts + self.channel_group
        return np.bincount(place, minlength=self.num_groups * pes * parts).reshape(-1, pes, parts)

    @property
    def channels_read(self) -> Ints:
        """Input channels that the PEs of each group read from, shape (groups,): without groups of channels all."""
        channels: Ints = self.reading.any(axis=1).sum(axis=1) * self.layer.group_channels
        return channels

    @property
    def num_keys(self) -> int:
        """Kernel positions of all input channels."""
        return self.layer.channels * self.layer.kernel[0] * self.layer.kernel[1]

    def key_of(self, positions: Ints) -> Ints:
        """Return the kernel position of the input channels that weights belong to, in [0, num_keys).

        positions: indices into the flattened weights. Filters of different groups of channels have different ones.
        """
        size = self.layer.num_weights // self.layer.filters
        keys = positions % size
        if self.layer.groups > 1:
            keys += positions // (size * self.layer.group_filters) * size
        return keys

    def by_unit(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return an array of the layer's shape as (units, weights of a unit)."""
        return np.ascontiguousarray(values).reshape(len(self.group), -1)

    def unit_of(self, positions: Ints) -> Ints:
        """Return the unit of each weight; positions: indices into the flattened weights."""
        units: Ints = positions // self.unit_size
        return units

    @property
    def order(self) -> Ints:
        """The units in the order of their groups, and of the PEs in them, shape (units,)."""
        return np.argsort(self.bins, kind="stable")

    def in_order(self, order: Ints) -> "Placed":
        """Return the layer with its filters in another order, one on each PE; order: (filters,)."""
        group, pe = in_order(order, self.pes)
        return replace(self, group=group, pe=pe)

    @property
    def workload(self) -> Ints:
        """Kept weights of each PE in each group, shape (groups, pes); 0 without a unit."""
        total = np.bincount(self.bins, weights=self.nonzeros, minlength=self.num_groups * self.pes)
        return total.astype(np.int64).reshape(-1, self.pes)  # exact: doubles hold whole numbers up to 2^53

    @cached_property
    def used_pes(self) -> Ints:
        """PEs of each group that have a unit, shape (groups,)."""
        return _used_pes(self.bins, self.num_groups, self.pes)


def place(ticket: Ticket, array: Array, trained: Mask | None = None) -> tuple[Placed, ...]:
    """Put the layers of a ticket that run on the PEs on an array, in order.

    The array holds the weights rounded to `array.weight_bits`, and mappings that permute filters sort them by what it
    holds, and by the patterns of the mask `trained`: by default the ticket's, which rounding does not change.
    Layers whose outputs are added (`Layer.adds_to`) need the same order of filters, so they are sorted together, by the
    sum of their workloads and all their patterns: the only permutations that the additions of a residual network allow.
    Raises InputError if weights are to be rounded and the ticket has none.
    """
    ticket = ticket.on_array(array)
    patterns = ticket.mask if trained is None else trained
    layers, masks, dataflow = ticket.on_pes, held(ticket, array), DATAFLOWS[array.dataflow]
    nonzeros = {n.name: _nonzeros(masks[n.name], n.filters * dataflow.units_per_filter(n)) for n in layers}
    workloads = {n.name: nonzeros[n.name].reshape(n.filters, -1).sum(axis=1) for n in layers}
    sums: dict[str, list[Layer]] = {}
    for layer in layers:
        sums.setdefault(_sum_of(layer), []).append(layer)
    filters = {
        name: filters_of(np.sum([workloads[part.name] for part in parts], axis=0), parts, patterns)
        for name, parts in sums.items()
    }
    placed = []
    for layer in layers:
        group, pe = dataflow.put(layer, filters[_sum_of(layer)], array)
        used = _used_pes(group * array.pes + pe, int(group.max(initial=-1)) + 1, array.pes)
        copies = dataflow.copies(used, layer.positions, array)
        where = group, pe, copies
        placed.append(Placed(layer, masks, array.pes, *where, nonzeros[layer.name], dataflow))
    return tuple(placed)


def parts_of(layer: Layer, layers: Sequence[Layer]) -> list[Layer]:
    """Return which of `layers` need the same order of filters: those that add to the same sum, or the layer alone."""
    return [layer] if layer.adds_to is None else [other for other in layers if other.adds_to == layer.adds_to]


def filters_of(workload: Ints, parts: Sequence[Layer], patterns: Mask) -> Filters:
    """Return what mappings look at; parts: the layers that get the same order of filters."""
    channels = [np.arange(part.filters) // part.group_filters for part in parts if part.groups > 1]
    masks = Lazy({part.name: partial(patterns.__getitem__, part.name) for part in parts})
    return Filters(workload, masks.values(), tuple(channels))


def _sum_of(layer: Layer) -> str:
    """Return a name that layers share if they need the same order of filters; no layer is called as a sum is here."""
    return f"layer {layer.name}" if layer.adds_to is None else f"sum {layer.adds_to}"


def place_whole(layer: Layer, mask: Bools) -> Placed:
    """Put a layer on as many PEs as it has filters: one group, in which each filter has a PE of its own, in order."""
    one = np.zeros(layer.filters, dtype=np.int64)
    own, copies, nonzeros = np.arange(layer.filters), np.ones(1, dtype=np.int64), _nonzeros(mask, layer.filters)
    return Placed(layer, {layer.name: mask}, layer.filters, one, own, copies, nonzeros)


def held(ticket: Ticket, array: Array) -> Mapping[str, Bools]:
    """Return which weights the array holds of each layer on the PEs: those that are kept and not rounded to zero."""
    ticket = ticket.on_array(array)
    if array.weight_bits is None:
        return Lazy({layer.name: partial(ticket.mask.__getitem__, layer.name) for layer in ticket.on_pes})
    if ticket.weights is None:
        raise InputError("weight_bits: expected weights to round, got 0/1 masks")
    bits, weights = array.weight_bits, ticket.weights

    def rounded(name: str) -> Bools:
        return stored(weights[name], ticket.mask[name], bits, array.quantizer)

    return Mask(Lazy({layer.name: partial(rounded, layer.name) for layer in ticket.on_pes}))


def _nonzeros(mask: Bools, units: int) -> Ints:
    return count_by_row(np.ascontiguousarray(mask).reshape(units, -1))


def count_by_row(rows: Bools) -> Ints:
    """Count the ones in each row of a contiguous 0/1 array, shape (rows,)."""
    if rows.shape[1] % 8:
        counts: Ints = np.count_nonzero(rows, axis=1).astype(np.int64)
        return counts
    words = rows.view(np.uint64)  # adding words adds eight weights at a time, as long as no byte exceeds 255
    block = next(size for size in range(255, 0, -1) if words.shape[1] % size == 0)
    by_byte = np.add.reduce(words.reshape(len(rows), words.shape[1] // block, block), axis=2)
    sums: Ints = by_byte.view(np.uint8).sum(axis=1, dtype=np.int64)
    return sums


def _used_pes(bins: Ints, groups: int, pes: int) -> Ints:
    units = np.bincount(bins, minlength=groups * pes)
    used: Ints = np.count_nonzero(units.reshape(-1, pes), axis=1)
    return used
