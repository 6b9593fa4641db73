"""Named arrays in files, without torch and without pickles: safetensors (masks, trained weights) and .npz."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from uticket.base.errors import InputError

Weights = Mapping[str, NDArray[np.floating]]  # layer name -> array of the shape of its mask


def load_arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the arrays `names`, in that order; None reads all.

    Raises InputError, naming the file, if it is missing, damaged or without one of them.
    """
    try:
        with safe_open(path, framework="np") as file:
            held = set(file.keys())
            names = sorted(held) if names is None else list(names)
            absent = [name for name in names if name not in held]
            if absent:
                raise InputError(f"{path}: expected the array {absent[0]!r}, came {', '.join(sorted(held))}")
            return {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: expected a safetensors file, came: {error}") from None


def load_weights(path: Path, layers: Iterable[str]) -> Weights:
    """Read the trained weights of layers, layer name -> array, from the state of a network."""
    names = {f"{layer}.weight": layer for layer in layers}
    return {names[key]: values for key, values in load_arrays(path, names).items()}


def npz_bytes(arrays: Mapping[str, NDArray[Any]], compressed: bool = False) -> bytes:
    """Return an .npz archive; the same arrays give the same bytes, at any time and with any Python.

    Compressed, they depend on the version of zlib. `numpy.savez` writes the time of day, refuses some names, and leaves
    the version of the archive to Python.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, values in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # of 1980
            member.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(values), allow_pickle=False)
            archive.writestr(member, content.getbuffer())
    return buffer.getvalue()
