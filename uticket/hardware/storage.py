"""Compressed weights as the PEs read them, and how they fit the scratchpads.

The stream of a PE: for each filter that it takes, the weight sparsity pattern (WSP: a bit for each kernel position of
each input channel that it reads, set where there is a weight), then a 16-bit word for each of those weights, in the
same order. Filters of a group that keep the same positions of the same channels, such as those of a team, have one WSP,
in the stream of the first.
Source: the paper's hardware section; facts of the hardware model, section 2. Differs in: the shared WSP.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.mapping.placed import Bools, Placed
from uticket.mapping.policies import Ints

WORD_BITS = 16  # of the scratchpad, the paper


@dataclass(frozen=True)
class Packed:
    """A layer as streams, the units (`uticket.mapping.dataflows`) in the order of PE, group and unit."""

    shape: tuple[int, ...]  # of the layer's weights
    unit: Ints  # (units,), its number in the layer
    pe: Ints  # (units,)
    group: Ints  # (units,)
    begin: Ints  # (units + 1,), where the words of a unit begin, and the end
    pattern: Ints  # (units,), number of the WSP that tells where the words of a unit belong
    wsp: NDArray[np.uint8]  # bits of each WSP, packed, each from a byte of its own
    words: NDArray[np.int16]  # weights, as whole steps


def pack(levels: NDArray[np.signedinteger], placed: Placed) -> Packed:
    """Pack a layer of rounded weights; those that are not zero are stored.

    levels: (filters, channels, height, width), whole steps in -32768 .. 32767. Raises ValueError beyond that.
    """
    limits = np.iinfo(np.int16)
    if levels.size and not limits.min <= levels.min() <= levels.max() <= limits.max:
        raise ValueError(f"levels: expected {limits.min} .. {limits.max}, got {levels.min()} .. {levels.max()}")
    unit = np.lexsort((placed.group, placed.pe))
    rows = placed.by_unit(levels)[unit]
    stored = rows != 0
    begin = np.append(0, np.cumsum(np.count_nonzero(stored, axis=1))).astype(np.int64)
    first = first_with_pattern(placed, levels != 0)[unit]
    own = first == unit
    number = np.empty_like(unit)
    number[unit[own]] = np.arange(np.count_nonzero(own))
    wsp, words = np.packbits(stored[own], axis=1), rows[stored].astype(np.int16)
    return Packed(levels.shape, unit, placed.pe[unit], placed.group[unit], begin, number[first], wsp.ravel(), words)


def unpack(packed: Packed) -> NDArray[np.int16]:
    """Return the levels that were packed, in the layer's shape."""
    size = int(np.prod(packed.shape)) // len(packed.unit)
    patterns = packed.wsp.reshape(int(packed.pattern.max(initial=-1)) + 1, -1)
    stored = np.unpackbits(patterns, axis=1, count=size).astype(bool)[packed.pattern]
    rows = np.zeros(stored.shape, dtype=np.int16)
    rows[stored] = packed.words
    levels = np.empty_like(rows)
    levels[packed.unit] = rows
    return levels.reshape(packed.shape)


def first_with_pattern(placed: Placed, kept: Bools) -> Ints:
    """Return the unit whose WSP each unit shares: the first of its group that keeps the same positions and channels.

    The first in the order of PEs, the unit itself if there is no other. Filters without weights are no team, and slices
    of a filter share none, because their positions are of different channels. kept: of the shape of the mask. Returns
    shape (units,).
    """
    units = np.arange(len(placed.group))
    if placed.units_per_filter > 1:
        return units
    rows = np.packbits(placed.by_unit(kept), axis=1)
    first: dict[tuple[int, int, bytes], int] = {}
    channels = placed.channel_group
    found = units.copy()
    with_weights = placed.order[np.count_nonzero(rows, axis=1)[placed.order] > 0]
    for unit in with_weights.tolist():
        found[unit] = first.setdefault((int(placed.group[unit]), int(channels[unit]), rows[unit].tobytes()), unit)
    return found


@dataclass(frozen=True)
class Scratchpad:
    """What the PEs take of a layer in each group."""

    words: Ints  # (groups, pes), of the stream; 0 for a PE without a unit
    passes: Ints  # (groups, pes), runs of input channels that fit the scratchpad; 1 if everything does


def fit_scratchpad(placed: Placed, capacity: int) -> Scratchpad:
    """Return how full the scratchpads get; capacity: words of 16 bits.

    A PE needs a word for each weight, and ceil(bits of WSP / 16) for the filters whose WSP is in its stream. If that is
    too much, its input channels are cut into runs that fit, one after another; a channel that alone does not fit takes
    as many passes as it fills.
    """
    channels, kernel = placed.layer.channels, placed.layer.kernel[0] * placed.layer.kernel[1]
    row = np.arange(placed.layer.num_weights // kernel)  # a channel of a filter
    unit = placed.unit_of(row * kernel)
    pes = int(placed.pe.max(initial=0)) + 1  # in use
    place = (placed.group * pes + placed.pe)[unit] * channels + placed.key_of(row * kernel) // kernel
    bins = placed.num_groups * pes
    mask = placed.mask
    of_kept = place[np.flatnonzero(mask) // kernel]
    kept = np.bincount(of_kept, minlength=bins * channels).reshape(bins, channels)
    own = (first_with_pattern(placed, mask) == np.arange(len(placed.group)))[unit]
    bits = kernel * np.bincount(place[own], minlength=bins * channels).reshape(bins, channels)
    words = kept.sum(axis=1) + -(-bits.sum(axis=1) // WORD_BITS)
    passes, weights, pattern = np.ones(bins, np.int64), np.zeros(bins, np.int64), np.zeros(bins, np.int64)
    for channel in range(channels if words.max(initial=0) > capacity else 0):
        more = weights + kept[:, channel] + -(-(pattern + bits[:, channel]) // WORD_BITS) > capacity
        alone = kept[:, channel] + -(-bits[:, channel] // WORD_BITS)
        passes += more * (weights + pattern > 0) + np.maximum(alone - 1, 0) // capacity
        weights, pattern = np.where(more, 0, weights) + kept[:, channel], np.where(more, 0, pattern) + bits[:, channel]
    spare = [(0, 0), (0, placed.pes - pes)]
    return Scratchpad(np.pad(words.reshape(-1, pes), spare), np.pad(passes.reshape(-1, pes), spare, constant_values=1))
