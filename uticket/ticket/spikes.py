"""The spikes of a few images as the simulator reads them, and their file (activity.npz): booleans packed to bits."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError, one_line
from uticket.base.files import write_bytes
from uticket.base.npz import load_npz, npz_bytes
from uticket.base.room import Room

# layer -> what arrives there, (images, T, channels, height, width): booleans, or numbers of spikes (`Layer.reads`)
Spikes = Mapping[str, NDArray[np.bool_] | NDArray[np.uint8]]
SHAPE = "_shape"  # NAME holds the bits of booleans, NAME_shape the shape that they unpack to
COUNTS = "_counts"  # NAME_counts holds numbers of spikes, 0 to 255, a byte each, in their shape


def turns(spikes: NDArray[np.bool_] | NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
    """Return the spikes that are sent to a layer one after another, each of the shape of `spikes`.

    Booleans are sent once. Of numbers of spikes, as many turns as the largest has, at least one: a number k has a spike
    in the first k of them, in its timestep.
    """
    most = int(spikes.max(initial=0)) if spikes.dtype == np.uint8 else 1
    return [spikes > turn for turn in range(max(most, 1))]


def save_spikes(path: Path, spikes: Spikes) -> None:
    """Write spikes, booleans packed in C order."""
    arrays: dict[str, NDArray[Any]] = {}
    for name, values in spikes.items():
        if values.dtype == np.uint8:
            arrays[name + COUNTS] = values
            continue
        arrays[name] = np.packbits(values)
        arrays[name + SHAPE] = np.array(values.shape, dtype=np.int64)
    write_bytes(path, npz_bytes(arrays))


def load_spikes(path: Path) -> dict[str, NDArray[Any]]:
    """Read what `save_spikes` wrote. Raises InputError, naming the file, if it is missing or damaged."""
    arrays = load_npz(path, "packed spikes")
    spikes: dict[str, NDArray[Any]] = {}
    room = Room()
    try:
        for name, values in arrays.items():
            if name + SHAPE in arrays:
                spikes[name] = _unpacked(values, arrays[name + SHAPE], room)
            elif name.endswith(COUNTS):
                spikes[name.removesuffix(COUNTS)] = values
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{path}: expected packed spikes, got: {one_line(error)}") from None
    return spikes


def _unpacked(bits: NDArray[np.uint8], shape: NDArray[np.int64], room: Room) -> NDArray[np.bool_]:
    size = math.prod(shape.tolist())
    if bits.dtype != np.uint8 or bits.size != -(-size // 8):
        raise ValueError(f"{bits.size} values of {bits.dtype} for the shape {tuple(shape.tolist())}")
    room.take(size, "spikes")
    return np.unpackbits(bits, count=size).reshape(shape).view(np.bool_)
