"""What arrives at one layer: spikes, counts or neither; packed as it arrives by bit, by byte, or not at all."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MOST_COUNTS = 255  # that fit a byte
MOST_PARTS = 16  # of the smallest value seen, in the search for what all values are multiples of
NEAR_WHOLE = 1e-3  # rounding of sums and means in single precision stays below it up to 255
SAMPLE = 1024  # values that tell most analog inputs from counts


class Counting:
    """Whether all inputs of a layer so far are counts, and of what.

    factor: all values are whole numbers of it, 0 to 255; 1 for spikes and their sums, 1/4 after average pooling of
    2x2, None as long as all values are zero unless it is given. `analog` is what has no such factor, or values below
    zero.
    """

    def __init__(self, factor: float | None = None) -> None:
        self.factor = factor
        self.analog = False
        self.most = 0  # counts

    @property
    def binary(self) -> bool:
        """Whether nothing but 0 and the factor has arrived."""
        return not self.analog and self.most <= 1

    def count(self, values: Tensor) -> Tensor | None:
        """Add values; return them as booleans or, if not all are 0 or 1, counts (uint8); None if they are analog."""
        fired = values != 0
        if self.analog:
            return None
        if self.factor in (None, 1.0) and torch.equal(fired, values == 1):
            if self.factor is None and bool(fired.any()):
                self.factor, self.most = 1.0, 1
            return fired
        unit = common_unit(values[fired].float(), self.factor, self.most)
        if unit is None:
            self.analog, self.factor = True, None
            return None
        counts = (values / unit).round().to(torch.uint8)
        earlier = self.most * round(self.factor / unit) if self.factor else 0
        self.factor, self.most = unit, max(earlier, int(counts.max()))
        return counts


class Arrivals(Counting):
    """The inputs of a layer, a row for each (image, timestep, token), kept as long as they are counts.

    Of analog ones only the number of nonzeros at each place is kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self._size = 0  # values of a row
        self._chunks: list[NDArray[np.uint8]] = []  # bits, padded to bytes by row, as long as no count exceeds 1
        self._nonzeros: NDArray[np.int64] | None = None

    def see(self, values: Tensor, rows: int) -> None:
        """Add what arrived in one call, (..., own shape of a row) with `rows` rows in C order."""
        self._size = values.numel() // rows
        factor, bits = self.factor, self.most <= 1
        counts = self.count(values)
        if counts is None:
            fired = (values != 0).reshape(rows, -1).sum(0).cpu().numpy()
            self._nonzeros, self._chunks = self.nonzeros() + fired, []
            return
        if bits and self.most > 1:
            self._chunks = [np.unpackbits(chunk, axis=1, count=self._size) for chunk in self._chunks]
        times = round(factor / self.factor) if factor and self.factor else 1
        if times > 1:
            self._chunks = [chunk * np.uint8(times) for chunk in self._chunks]
        array = counts.reshape(rows, -1).cpu().numpy()
        self._chunks.append(np.packbits(array, axis=1) if self.most <= 1 else array.astype(np.uint8))

    def packed(self) -> NDArray[np.uint8]:
        """Return all rows: (rows, bytes) of bits if binary, else (rows, values) of counts."""
        if len(self._chunks) > 1:
            self._chunks = [np.concatenate(self._chunks)]
        return self._chunks[0]

    def nonzeros(self) -> NDArray[np.int64]:
        """Return at each place of a row how many rows were not zero there."""
        total = np.zeros(self._size, np.int64) if self._nonzeros is None else self._nonzeros
        for chunk in self._chunks:
            total = total + (np.unpackbits(chunk, axis=1, count=self._size) if self.most <= 1 else chunk != 0).sum(0)
        return total


def common_unit(values: Tensor, unit: float | None, most: int = 0) -> float | None:
    """Return the largest number of which all values are whole multiples up to 255; None if there is none.

    values: nonzero. unit, most: of earlier values, multiples of `unit` up to `most`; the result divides `unit`, and
    they still are at most 255 of it. Whole numbers have the unit 1.
    """
    if not len(values):
        return unit
    smallest, largest = values.min().item(), values.max().item()
    if not 0 < smallest <= largest < math.inf:
        return None
    if unit in (None, 1.0) and largest <= MOST_COUNTS and _whole(values):
        return 1.0
    base = min(smallest, unit or smallest)
    for parts in range(1, MOST_PARTS + 1):
        candidate = base / parts
        if max(largest, most * (unit or 0)) / candidate > MOST_COUNTS + NEAR_WHOLE:
            return None
        if _whole(torch.tensor([(unit or base) / candidate])) and _whole(values / candidate):
            return candidate
    return None


def _whole(values: Tensor) -> bool:
    """Return whether all values are whole numbers, but for rounding."""

    def near(some: Tensor) -> bool:
        return bool(((some - some.round()).abs() < NEAR_WHOLE).all())

    return near(values[:SAMPLE]) and near(values)
