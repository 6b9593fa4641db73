"""Masks and weights to a file of anybody's: .npz, .safetensors, .pt and .pth."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from uticket.base.arrays import Arrays, npz_bytes, safetensors_bytes
from uticket.base.files import write_bytes


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays in the format of the path's suffix, all or nothing: the same arrays give the same bytes."""
    write_bytes(path, WRITE[path.suffix](arrays))


def _to_npz(arrays: Arrays) -> bytes:
    return npz_bytes(arrays, compressed=True)


def _to_torch(arrays: Arrays) -> bytes:
    import torch  # imported here: takes seconds, and the other formats do not need it

    buffer = io.BytesIO()
    torch.save({name: torch.from_numpy(np.array(values)) for name, values in arrays.items()}, buffer)
    return buffer.getvalue()


WRITE: dict[str, Callable[[Arrays], bytes]] = {
    ".npz": _to_npz,
    ".safetensors": safetensors_bytes,
    ".pt": _to_torch,
    ".pth": _to_torch,
}
