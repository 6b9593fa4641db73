"""Masks: named 0/1 arrays that say which weights of a network are kept."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uticket.base.arrays import load_arrays, safetensors_bytes
from uticket.base.errors import InputError
from uticket.base.files import write_bytes


class Mask(Mapping[str, NDArray[np.bool_]]):
    """Layer name -> 0/1 array of the shape of its weights (filters, channels, height, width) or (outputs, inputs).

    1 = weight kept. The arrays are read-only copies, so a mask never changes; they are held as booleans.
    Raises ValueError, naming the layer, if an array holds anything but 0 and 1.
    """

    def __init__(self, layers: Mapping[str, ArrayLike]) -> None:
        self._layers = {name: _checked(name, np.asarray(values)) for name, values in layers.items()}

    def __getitem__(self, name: str) -> NDArray[np.bool_]:
        return self._layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __repr__(self) -> str:
        return f"Mask({len(self)} layers, sparsity {self.sparsity:.4f})"

    @classmethod
    def ones(cls, shapes: Mapping[str, tuple[int, ...]]) -> "Mask":
        """Return the mask that keeps every weight."""
        return cls({name: np.ones(shape, dtype=bool) for name, shape in shapes.items()})

    @property
    def num_weights(self) -> int:
        """Weights, kept or not."""
        return sum(values.size for values in self.values())

    @property
    def num_kept(self) -> int:
        """Kept weights."""
        return sum(int(np.count_nonzero(values)) for values in self.values())

    @property
    def density(self) -> float:
        """Kept / all, in [0, 1]; 1 for a mask without layers."""
        return self.num_kept / self.num_weights if self.num_weights else 1.0

    @property
    def sparsity(self) -> float:
        """1 - density, in [0, 1]."""
        return 1 - self.density

    def replace(self, layers: Mapping[str, ArrayLike]) -> "Mask":
        """Return the mask with other arrays for the given layers; the order of layers stays."""
        return Mask({**self, **layers})

    def save(self, path: Path) -> None:
        """Write a sealed safetensors file of boolean arrays."""
        write_bytes(path, safetensors_bytes(self))

    @classmethod
    def load(cls, path: Path, names: Iterable[str]) -> "Mask":
        """Read the layers `names` of what `save` wrote, in that order.

        Raises InputError, naming the file, if it is no mask or a layer is not in it.
        """
        arrays = load_arrays(path, names)
        try:
            return cls(arrays)
        except ValueError as error:
            raise InputError(f"{path}: {error}") from None


def _checked(name: str, values: NDArray[np.generic]) -> NDArray[np.bool_]:
    if values.dtype == np.bool_:
        own = values.flags.owndata and not values.flags.writeable  # nobody can change it
        kept = values.astype(np.bool_, copy=not own)
    else:
        kept = values == 1
        if not np.array_equal(kept, values):
            raise ValueError(f"layer {name!r}: expected a mask of 0 and 1, got other values")
    kept.flags.writeable = False
    return kept
