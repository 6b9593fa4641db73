"""Bits of a layer's weights in each storage format (`hw.weight_format`), by group.

Every format but WSP stores whole filters, each with the group that its first unit runs in; WSP stores what the PEs read
(`uticket.hardware.storage`), whole words of 16 bits.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from uticket.hardware.storage import WORD_BITS, Scratchpad
from uticket.mapping.placed import Placed
from uticket.mapping.policies import Ints

RUN_BITS = 4  # of a run of zeros, as in EIE
BEST = "best"  # the smallest for each layer
Format = Callable[[Placed, Scratchpad, int], Ints]  # the last: bits of a weight; returns bits, shape (groups,)


def wsp(placed: Placed, scratchpad: Scratchpad, weight_bits: int) -> Ints:
    """What the PEs read: a bit for each kernel position of each channel, and a word for each kept weight."""
    words: Ints = scratchpad.words.sum(axis=1)
    return WORD_BITS * words


def csr(placed: Placed, scratchpad: Scratchpad, weight_bits: int) -> Ints:
    """The kept weights, a column index each, and where each filter begins; where the last one ends in group 0."""
    kept, columns = _kept(placed), placed.mask[0].size
    index_bits, pointer_bits = max((columns - 1).bit_length(), 1), max(int(kept.sum()).bit_length(), 1)
    bits = _by_group(placed, kept * (weight_bits + index_bits) + pointer_bits)
    bits[0] += pointer_bits
    return bits


def bitmap(placed: Placed, scratchpad: Scratchpad, weight_bits: int) -> Ints:
    """A bit for each weight, kept or not, and the kept weights."""
    return _by_group(placed, placed.mask[0].size + _kept(placed) * weight_bits)


def dense(placed: Placed, scratchpad: Scratchpad, weight_bits: int) -> Ints:
    """Every weight."""
    return _by_group(placed, np.full(placed.layer.filters, placed.mask[0].size * weight_bits))


def run_length(placed: Placed, scratchpad: Scratchpad, weight_bits: int) -> Ints:
    """The kept weights, each with the zeros before it in its filter, and a zero weight for each full run."""
    runs = _full_runs(np.ascontiguousarray(placed.mask).reshape(placed.layer.filters, -1))
    return _by_group(placed, (_kept(placed) + runs) * (weight_bits + RUN_BITS))


FORMATS: dict[str, Format] = {"wsp": wsp, "csr": csr, "bitmap": bitmap, "dense": dense, "run_length": run_length}


def size_bits(placed: Placed, scratchpad: Scratchpad, weight_bits: int = WORD_BITS) -> dict[str, int]:
    """Return the bits that a layer takes in each format; scratchpad: what `fit_scratchpad` returns for it."""
    return {form: int(bits(placed, scratchpad, weight_bits).sum()) for form, bits in FORMATS.items()}


def choose_format(placed: Placed, scratchpad: Scratchpad, form: str, weight_bits: int) -> tuple[str, Ints]:
    """Return a format and the bits of each group in it; form: its name, or `best`, where the first of equals counts."""
    found = {name: FORMATS[name](placed, scratchpad, weight_bits) for name in (FORMATS if form == BEST else [form])}
    chosen = min(found, key=lambda name: int(found[name].sum()))
    return chosen, found[chosen]


def _kept(placed: Placed) -> Ints:
    """Kept weights of each filter, shape (filters,)."""
    kept: Ints = placed.nonzeros.reshape(placed.layer.filters, -1).sum(axis=1)
    return kept


def _by_group(placed: Placed, bits: Ints) -> Ints:
    """Sum the bits of filters by the group of their first unit."""
    total = np.bincount(placed.group[:: placed.units_per_filter], weights=bits, minlength=placed.num_groups)
    return total.astype(np.int64)  # exact: doubles hold whole numbers up to 2^53


def _full_runs(rows: NDArray[np.bool_]) -> Ints:
    """Count the zero weights of each filter that are stored because 2^RUN_BITS - 1 zeros are the most that fit."""
    row, column = np.nonzero(rows)
    before = np.diff(column, prepend=-1)
    first = np.diff(row, prepend=-1) > 0
    before[first] = column[first] + 1
    return np.bincount(row, weights=(before - 1) // 2**RUN_BITS, minlength=len(rows)).astype(np.int64)
