"""Named arrays from a safetensors file: masks and trained weights, read without torch and without unpickling."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from uticket.errors import InputError

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
