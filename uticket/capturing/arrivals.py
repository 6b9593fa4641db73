"""What arrives at one layer, packed as it arrives: spikes by bit, small whole numbers by byte, nothing of the rest."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MOST_COUNTS = 255  # that fit a byte
MOST_PARTS = 16  # of the smallest value seen, in the search for what all values are multiples of
NEAR_WHOLE = 1e-3  # rounding of sums and means in single precision stays below it up to 255
SAMPLE = 1024  # values that tell most analog inputs from counts


class Arrivals:
    """The inputs of a layer, a row for each (image, timestep, token), kept as long as they are counts.

    factor: all values are whole numbers of it, 0 to 255; 1 for spikes and their sums, 1/4 after average pooling of
    2x2, None as long as all values are zero. `analog` is what has no such factor, or values below zero: of that only
    the number of nonzeros at each place is kept.
    """

    def __init__(self) -> None:
        self.factor: float | None = None
        self.analog = False
        self._most = 0  # counts
        self._size = 0  # values of a row
        self._chunks: list[NDArray[np.uint8]] = []  # bits, padded to bytes by row, as long as no count exceeds 1
        self._nonzeros: NDArray[np.int64] | None = None

    @property
    def binary(self) -> bool:
        """Whether nothing but 0 and the factor has arrived."""
        return not self.analog and self._most <= 1

    def see(self, values: Tensor, rows: int) -> None:
        """Add what arrived in one call, (..., own shape of a row) with `rows` rows in C order."""
        self._size = values.numel() // rows
        fired, unit = values != 0, self.factor
        if self.analog:
            self._nonzeros = self.nonzeros() + fired.reshape(rows, -1).sum(0).cpu().numpy()
            return
        if self.factor in (None, 1.0) and torch.equal(fired.to(values.dtype), values):
            counts, unit = fired, 1.0
        else:
            unit = common_unit(values[fired].float(), self.factor, self._most)
            if unit is None:
                self._forget(fired.reshape(rows, -1))
                return
            self._change_factor(unit)
            counts = (values / unit).round().to(torch.uint8)
            self._grow(int(counts.max()))
        array = counts.reshape(rows, -1).cpu().numpy()
        chunk = np.packbits(array, axis=1) if self._most <= 1 else array.astype(np.uint8)
        if self.factor is None and chunk.any():
            self.factor, self._most = unit, 1
        self._chunks.append(chunk)

    def packed(self) -> NDArray[np.uint8]:
        """Return all rows: (rows, bytes) of bits if binary, else (rows, values) of counts."""
        if len(self._chunks) > 1:
            self._chunks = [np.concatenate(self._chunks)]
        return self._chunks[0]

    def nonzeros(self) -> NDArray[np.int64]:
        """Return at each place of a row how many rows were not zero there."""
        total = np.zeros(self._size, np.int64) if self._nonzeros is None else self._nonzeros
        for chunk in self._chunks:
            total = total + (np.unpackbits(chunk, axis=1, count=self._size) if self._most <= 1 else chunk != 0).sum(0)
        return total

    def _change_factor(self, unit: float) -> None:
        times = round(self.factor / unit) if self.factor else 1
        self.factor = unit
        if times > 1:
            most = self._most * times
            self._grow(most)
            self._chunks = [chunk * np.uint8(times) for chunk in self._chunks]

    def _grow(self, most: int) -> None:
        """Let counts be as large as `most`: bits become bytes where they no longer do."""
        if self._most <= 1 < most:
            self._chunks = [np.unpackbits(chunk, axis=1, count=self._size) for chunk in self._chunks]
        self._most = max(self._most, most)

    def _forget(self, fired: Tensor) -> None:
        """Become analog."""
        self._nonzeros = self.nonzeros() + fired.sum(0).cpu().numpy()
        self.analog, self.factor, self._chunks = True, None, []


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
