"""Which weights run where: the one answer that balancing, mapping and simulation share.

A unit is the smallest piece of a layer that one PE takes. In the dataflow `filters`, the paper's, a unit is a whole
filter; in `input-channels`, the published code's `systolic` style, it is one input channel of one filter.
"""

from collections.abc import Callable, Iterable
from collections.abc import Mapping as Named
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.config.names import Dataflow, Policy, SparePes
from uticket.ticket.layer import Layer

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Array:
    """An array of PEs, and how layers are put on it."""

    pes: int = 16
    policy: Policy = "contiguous"
    dataflow: Dataflow = "filters"
    spare_pes: SparePes = "split_outputs"  # what PEs do that a group has no unit for: `uticket.hardware.cycles`


@dataclass(frozen=True)
class Mapping:
    """The group and the PE of each unit of a layer.

    Groups run one after another; in a group every PE works through its own units, all PEs at the same time. A group
    may have units for fewer PEs than there are.
    """

    pes: int
    group: Ints  # (units,)
    pe: Ints  # (units,), in [0, pes)

    @property
    def num_groups(self) -> int:
        """Groups that run one after another."""
        return int(self.group.max(initial=-1)) + 1

    @property
    def bins(self) -> Ints:
        """Return the place of each unit as one number, group * pes + pe, shape (units,)."""
        return self.group * self.pes + self.pe

    def workload(self, nonzeros: Ints) -> Ints:
        """Sum the nonzeros of the units, shape (units,), by (groups, pes); a PE without a unit has 0."""
        workload = np.bincount(self.bins, weights=nonzeros, minlength=self.num_groups * self.pes)
        return workload.astype(np.int64).reshape(-1, self.pes)  # exact: doubles hold whole numbers up to 2^53

    def used_pes(self) -> Ints:
        """Count the PEs of each group that have a unit, shape (groups,)."""
        units = np.bincount(self.bins, minlength=self.num_groups * self.pes)
        used: Ints = np.count_nonzero(units.reshape(-1, self.pes), axis=1)
        return used


def contiguous(workload: Ints, pes: int) -> Mapping:
    """Put filters g * pes .. g * pes + pes - 1 into group g, in order. Source: the paper, and its published code."""
    return _in_order(np.arange(len(workload)), pes)


def by_workload(workload: Ints, pes: int) -> Mapping:
    """Group consecutive filters after sorting them by workload, largest first; equal ones stay in order.

    workload: nonzeros of each filter, shape (filters,). Output channels come out permuted, which costs nothing where
    the channels of the next layer can be permuted offline.
    """
    return _in_order(np.argsort(-workload, kind="stable"), pes)


def paired(workload: Ints, pes: int) -> Mapping:
    """Give each PE of a group two filters, the densest with the sparsest, the second with the second last, and so on.

    workload: nonzeros of each filter. Every 2 * pes filters in order of workload form a group; in a last group of
    fewer, the densest have a PE each and only those beyond `pes` join another. Output channels come out permuted, and
    a PE holds two sums. Source: SparTen's greedy balancing in software (GB-S), facts in the hardware model.
    """
    order = np.argsort(-workload, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    group, place = np.divmod(rank, 2 * pes)
    return Mapping(pes, group, np.where(place < pes, place, 2 * pes - 1 - place))


def _in_order(order: Ints, pes: int) -> Mapping:
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return Mapping(pes, group=rank // pes, pe=rank % pes)


def channel_slices(num_filters: int, num_channels: int, pes: int) -> Mapping:
    """Cut the input channels of each filter into `pes` slices, one for each PE; filters run one after another.

    Units are (filter, channel) in C order; group f is filter f. A slice has ceil(channels / pes) channels; where `pes`
    does not divide them, the last slice is shorter and the PEs behind it have none. Source: the published code.
    """
    slices = np.arange(num_channels) // -(-num_channels // pes)
    return Mapping(pes, group=np.repeat(np.arange(num_filters), num_channels), pe=np.tile(slices, num_filters))


POLICIES: dict[Policy, Callable[[Ints, int], Mapping]] = {
    "contiguous": contiguous,
    "sorted": by_workload,
    "paired": paired,
}


def unit_nonzeros(mask: NDArray[np.bool_], dataflow: Dataflow = "filters") -> Ints:
    """Count the kept weights of each unit of a layer, shape (units,).

    mask: (filters, channels, height, width) or (outputs, inputs).
    """
    units = len(mask) if dataflow == "filters" else mask.shape[0] * mask.shape[1]
    return count_by_row(np.ascontiguousarray(mask).reshape(units, -1))


def count_by_row(rows: NDArray[np.bool_]) -> Ints:
    """Count the ones in each row of a contiguous 0/1 array, shape (rows,)."""
    if rows.shape[1] % 8:
        counts: Ints = np.count_nonzero(rows, axis=1).astype(np.int64)
        return counts
    words = rows.view(np.uint64)  # adding words adds eight weights at a time, as long as no byte exceeds 255
    block = next(size for size in range(255, 0, -1) if words.shape[1] % size == 0)
    by_byte = np.add.reduce(words.reshape(len(rows), words.shape[1] // block, block), axis=2)
    sums: Ints = by_byte.view(np.uint8).sum(axis=1, dtype=np.int64)
    return sums


def map_layers(layers: Iterable[Layer], masks: Named[str, NDArray[np.bool_]], array: Array) -> dict[str, Mapping]:
    """Return the mapping of each layer, by name.

    masks: layer name -> 0/1 array; policies that permute filters sort them by what it keeps. Layers whose outputs are
    added (`Layer.adds_to`) must come out in the same order, so they are sorted together, by the sum of their
    workloads: the only permutations that the additions of a residual network allow. In the dataflow `input-channels`
    the order of filters makes no difference, and the policy is not used.
    Raises ValueError if the array has no PE.
    """
    if array.pes < 1:
        raise ValueError(f"pes: expected at least 1, came {array.pes}")
    layers = list(layers)
    if array.dataflow == "input-channels":
        return {layer.name: channel_slices(layer.filters, layer.channels, array.pes) for layer in layers}
    workloads = {layer.name: unit_nonzeros(masks[layer.name]) for layer in layers}
    added: dict[str, Ints] = {}
    for layer in layers:
        if layer.adds_to is not None:
            added[layer.adds_to] = added.get(layer.adds_to, 0) + workloads[layer.name]
    put = POLICIES[array.policy]
    return {
        layer.name: put(workloads[layer.name] if layer.adds_to is None else added[layer.adds_to], array.pes)
        for layer in layers
    }
