"""Groups of filters: the weights that their PEs hold, and what they want of the tokens."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uticket.config.array import Broadcast
from uticket.mapping.placed import Bools, Placed
from uticket.mapping.policies import Ints


class Groups(NamedTuple):
    """The groups of a layer of which as many copies run side by side, and the weights of one copy of each.

    Weights are by group, and in the order in which tokens arrive.
    """

    number: Ints  # (groups,), in the layer, ascending
    pes: Ints  # (groups,), PEs that the filters of each take
    reads: Bools  # (groups, PEs in use at most, groups of channels), whether filters of a PE read from them
    begin: Ints  # (groups + 1,), where the weights of each begin, and the end
    key: Ints  # (held,), kernel position (`uticket.hardware.tokens`), ascending for each group
    pe: Ints  # (held,), ascending for each key
    times: Ints  # (held,), weights of this PE at this position: one for each of its filters


class Demand(NamedTuple):
    """What groups want of the tokens of each kernel position; each field has the shape (keys,)."""

    groups: Ints  # that have a weight for it
    others: Ints  # that have none, but read from its channel
    weights: Ints  # of all groups
    pushes: Ints  # into FIFOs, of a token


def groups_of(placed: Placed) -> dict[int, Groups]:
    """Return the groups of a layer by their number of copies, ascending."""
    keys, kept = placed.num_keys, np.flatnonzero(placed.mask)
    unit = placed.unit_of(kept)
    place = (placed.group[unit] * keys + placed.key_of(kept)) * placed.pes + placed.pe[unit]
    places, times = np.unique(place, return_counts=True)
    key_of_group, pe = np.divmod(places, placed.pes)
    group, key = np.divmod(key_of_group, keys)
    reads, found = placed.reading > 0, {}
    for copies in np.unique(placed.copies).tolist():
        number, held = np.flatnonzero(placed.copies == copies), placed.copies[group] == copies
        begin = np.searchsorted(group[held], np.append(number, placed.num_groups))
        of_groups = number, placed.used_pes[number], reads[number]
        found[copies] = Groups(*of_groups, begin, key[held], pe[held], times[held])
    return found


def demand_of(groups: Groups, placed: Placed, broadcast: Broadcast) -> Demand:
    """Return what groups want of the tokens, all together."""
    keys, of_channels = placed.num_keys, placed.num_keys // placed.layer.groups
    readers: Ints = groups.reads.sum(axis=1)  # PEs, (groups, groups of channels)
    group = np.repeat(np.arange(len(groups.number)), np.diff(groups.begin))
    first = np.diff(group * keys + groups.key, prepend=-1) > 0  # of the PEs of a group with a weight for a key
    wanting, wanted = group[first], groups.key[first]
    pushes: NDArray[Any]
    if not broadcast.fifo_depth:
        pushes = np.zeros(keys)
    elif placed.dataflow.supply != "patches":
        pushes = np.bincount(groups.key, minlength=keys)
    elif broadcast.skip_unwanted:  # all PEs of a copy that read from these channels keep the whole patch
        pushes = np.bincount(wanted, readers[wanting, wanted // of_channels], minlength=keys)
    else:
        pushes = np.repeat(readers.sum(axis=0), of_channels)
    having, weights = np.bincount(wanted, minlength=keys), np.bincount(groups.key, groups.times, minlength=keys)
    demand = having, np.repeat((readers > 0).sum(axis=0), of_channels) - having, weights, pushes
    return Demand(*(of.astype(np.int64) for of in demand))  # exact: doubles hold whole numbers up to 2^53
