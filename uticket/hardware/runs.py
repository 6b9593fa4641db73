"""What is sent to a group in one tile: runs of tokens for the same PEs, in their order, compiled."""

from typing import NamedTuple

import numpy as np

from uticket.base.compiled import compiled
from uticket.mapping.policies import Ints


class Runs(NamedTuple):
    """What is sent in a tile, in runs of tokens for the same PEs, in order; each field has the shape (runs,)."""

    key: Ints  # kernel position
    copy: Ints  # of the group
    begin: Ints  # its first token, and the end
    end: Ints
    first: Ints  # its first receiving weight, and the end: those of a copy come after those of the one before
    last: Ints


@compiled
def by_position(held: Ints, begin: Ints, end: Ints, tile: int, copies: int, skip_unwanted: bool) -> Runs:
    """Return what is sent kernel position by kernel position, a run for each copy.

    held: (held,), the kernel position of each weight of the group, ascending. begin, end: (keys, parts), of the tokens.
    skip_unwanted: leave out the positions for which the group has no weight.
    """
    edges = _edges(held, len(begin))
    runs = np.empty((6, len(begin) * copies), np.int64)
    num = 0
    for key in range(len(begin)):
        if skip_unwanted and edges[key] == edges[key + 1]:
            continue
        for copy in range(copies):
            part, of_copy = tile * copies + copy, copy * len(held)
            runs[0, num], runs[1, num] = key, copy
            runs[2, num], runs[3, num] = begin[key, part], end[key, part]
            runs[4, num], runs[5, num] = edges[key] + of_copy, edges[key + 1] + of_copy
            num += 1
    return Runs(runs[0, :num], runs[1, :num], runs[2, :num], runs[3, :num], runs[4, :num], runs[5, :num])


@compiled
def by_activation(held: Ints, sent: Ints, key: Ints, part: Ints, keys: int, copies: int, skip_unwanted: bool) -> Runs:
    """Return what is sent activation by activation, a run for each token.

    held, skip_unwanted: as for `by_position`. sent: (tokens of the tile,), in their order. key, part: (tokens,), of
    each token of the layer.
    """
    edges = _edges(held, keys)
    runs = np.empty((6, len(sent)), np.int64)
    num = 0
    for token in sent:
        first, last = edges[key[token]], edges[key[token] + 1]
        if skip_unwanted and first == last:
            continue
        copy = part[token] % copies
        runs[0, num], runs[1, num] = key[token], copy
        runs[2, num], runs[3, num] = token, token + 1
        runs[4, num], runs[5, num] = first + copy * len(held), last + copy * len(held)
        num += 1
    return Runs(runs[0, :num], runs[1, :num], runs[2, :num], runs[3, :num], runs[4, :num], runs[5, :num])


@compiled
def _edges(held: Ints, keys: int) -> Ints:
    """Return where the weights of each kernel position begin, and the end, shape (keys + 1,)."""
    edges = np.zeros(keys + 1, np.int64)
    for key in held:
        edges[key + 1] += 1
    return np.cumsum(edges)
