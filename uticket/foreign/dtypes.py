"""Numbers as files store them, among them types that numpy does not have, and as they are returned."""

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = {"c": "complex numbers", "O": "Python objects", "U": "text", "S": "text", "V": "records"}  # not read
NATIVE = "<" if sys.byteorder == "little" else ">"
PACKED = "float4_e2m1fn_x2"  # two numbers in a byte, the first in its low half

# PyTorch's name of a storage -> its type
TYPES = {
    **{"Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Bool": "bool"},
    **{"Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Untyped": "uint8"},
    **{"ComplexFloat": "complex64", "ComplexDouble": "complex128"},
    **{"QInt8": "int8", "QUInt8": "uint8", "QInt32": "int32", "float4_e2m1fn_x2": PACKED},
}


def storage_type(kind: str) -> str:
    """Return the type of the numbers of a class or dtype of PyTorch: torch.FloatStorage, torch.bfloat16."""
    name = kind.rpartition(".")[2].removesuffix("Storage")
    return TYPES.get(name, name)


def dtype_of(name: str) -> np.dtype[Any]:
    """Return the type called `name`: that of numpy, or of ml_dtypes (bfloat16, 8 bits and fewer).

    Raises ValueError if there is none.
    """
    try:
        found = np.dtype(name)
    except TypeError:
        import ml_dtypes  # imported here: few files need it

        scalar = getattr(ml_dtypes, name, None)
        if scalar is None:
            raise ValueError(f"numbers of the unknown type {name[:40]!r}") from None
        found = np.dtype(scalar)
    return found


def decoded(raw: bytes | memoryview, name: str, byteorder: str = "<") -> NDArray[Any]:
    """Return the numbers of some bytes, flat. name: as in `dtype_of`, or PACKED. byteorder: < or >.

    Raises ValueError if the bytes are not whole numbers of that type, or booleans other than 0 and 1.
    """
    if name == PACKED:
        pairs = np.frombuffer(raw, np.uint8)
        return np.stack([pairs & 15, pairs >> 4], axis=-1).ravel().view(dtype_of("float4_e2m1fn"))
    dtype = dtype_of(name)
    if dtype.kind == "b" and np.frombuffer(raw, np.uint8).max(initial=0) > 1:
        raise ValueError("booleans other than 0 and 1")
    values = np.frombuffer(raw, dtype)
    return values.byteswap() if byteorder != NATIVE and dtype.itemsize > 1 else values


def unread(dtype: np.dtype[Any]) -> str:
    """Return why arrays of a type are not read; nothing if they are: booleans, integers and floats."""
    if dtype.kind in "biuf" or (dtype.kind == "V" and dtype.fields is None and dtype.type is not np.void):
        return ""
    return KINDS.get(dtype.kind, f"values of type {str(dtype)[:40]}")


def plain(values: NDArray[Any]) -> NDArray[Any]:
    """Return an array of this machine's byte order; floats of 16 bits and fewer as float32, of over 64 as float64."""
    if values.dtype.kind in "Vf" and plain_size(values.dtype) != values.dtype.itemsize:
        return values.astype(np.float32 if plain_size(values.dtype) == 4 else np.float64)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def plain_size(dtype: np.dtype[Any]) -> int:
    """Return the bytes of a number of that type as `plain` returns it; those of ml_dtypes are of kind V or f."""
    small = dtype.kind == "V" or (dtype.kind == "f" and dtype.itemsize < 4)
    return 4 if small else min(dtype.itemsize, 8)


def count(shape: Any) -> int:
    """Return how many values an array of that shape has. Raises ValueError if it is no shape of an array."""
    sizes = tuple(shape)
    if not all(type(size) is int and 0 <= size < 2**63 for size in sizes):
        raise ValueError(f"an array of the shape {str(sizes)[:80]}")
    return math.prod(sizes)
