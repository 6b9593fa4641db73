"""Masks: named 0/1 arrays that say which weights of a network are kept."""

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uticket.base.arrays import Lazy, load_arrays, write_safetensors
from uticket.base.errors import InputError
from uticket.base.files import write_stream

MOST_BYTES = 2**26  # of booleans: the masks of larger networks are held as bits


class Mask(Mapping[str, NDArray[np.bool_]]):
    """Layer name -> 0/1 array of the shape of its weights (filters, channels, height, width) or (outputs, inputs).

    1 = weight kept. A mask never changes: its arrays are read-only, and copies unless they were read-only booleans that
    own their memory. Those of more than MOST_BYTES are held as bits, which become booleans each time a layer is asked
    for.
    Raises ValueError, naming the layer, if an array holds anything but 0 and 1.
    """

    def __init__(self, layers: Mapping[str, ArrayLike]) -> None:
        self._layers: dict[str, NDArray[np.bool_] | _Bits] = {}
        weights = 0
        for name, values in layers.items():
            kept = _checked(name, np.asarray(values))
            weights += kept.size
            self._layers[name] = kept if weights <= MOST_BYTES else _Bits(kept)
        if weights > MOST_BYTES:
            self._layers |= {name: _Bits(kept) for name, kept in self._layers.items() if isinstance(kept, np.ndarray)}
        self.shapes: dict[str, tuple[int, ...]] = {name: held.shape for name, held in self._layers.items()}

    def __getitem__(self, name: str) -> NDArray[np.bool_]:
        held = self._layers[name]
        return held if isinstance(held, np.ndarray) else held.unpacked()

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
        return sum(math.prod(shape) for shape in self.shapes.values())

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
        names = dict.fromkeys([*self, *layers])
        return Mask(Lazy({name: partial(_array_of, layers if name in layers else self, name) for name in names}))

    def save(self, path: Path) -> None:
        """Write a sealed safetensors file of boolean arrays."""
        write_stream(path, lambda file: write_safetensors(file, self))

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


class _Bits:
    """A layer of a mask, eight weights in a byte."""

    def __init__(self, kept: NDArray[np.bool_]) -> None:
        self.shape, self._bits = kept.shape, np.packbits(kept)

    def unpacked(self) -> NDArray[np.bool_]:
        """Return it as booleans, which nobody can change."""
        kept = np.unpackbits(self._bits, count=math.prod(self.shape)).view(np.bool_).reshape(self.shape)
        kept.flags.writeable = False
        return kept


def _array_of(layers: Mapping[str, ArrayLike], name: str) -> NDArray[np.generic]:
    return np.asarray(layers[name])


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
