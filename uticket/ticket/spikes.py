"""The spikes of a few images, bit-packed in a file (activity.npz), as the simulator reads them."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.base.files import load_npz, npz_bytes, write_bytes

Spikes = Mapping[str, NDArray[np.bool_]]  # layer -> what arrives there, (images, T, channels, height, width)
SHAPE = "_shape"  # NAME holds the bits, NAME_shape the shape that they unpack to


def save_spikes(path: Path, spikes: Spikes) -> None:
    """Write spikes, packed in C order."""
    arrays: dict[str, NDArray[Any]] = {}
    for name, values in spikes.items():
        arrays[name] = np.packbits(values)
        arrays[name + SHAPE] = np.array(values.shape, dtype=np.int64)
    write_bytes(path, npz_bytes(arrays))


def load_spikes(path: Path) -> dict[str, NDArray[np.bool_]]:
    """Read what `save_spikes` wrote. Raises InputError, naming the file, if it is missing or damaged."""
    arrays = load_npz(path, "packed spikes")
    try:
        return {name: _unpacked(arrays[name], arrays[name + SHAPE]) for name in arrays if name + SHAPE in arrays}
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{path}: expected packed spikes, got: {error}") from None


def _unpacked(bits: NDArray[np.uint8], shape: NDArray[np.int64]) -> NDArray[np.bool_]:
    size = math.prod(shape.tolist())
    if bits.dtype != np.uint8 or bits.size != -(-size // 8):
        raise ValueError(f"{bits.size} values of {bits.dtype} for the shape {tuple(shape.tolist())}")
    return np.unpackbits(bits, count=size).reshape(shape).astype(bool)
