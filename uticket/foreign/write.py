"""Masks and weights to a file of anybody's: .npz, .safetensors, .pt and .pth."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from uticket.base.arrays import Arrays, write_safetensors
from uticket.base.files import write_stream
from uticket.base.npz import write_npz


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays in the format of the path's suffix, all or nothing: the same arrays give the same bytes."""
    write_stream(path, lambda file: WRITE[path.suffix](file, arrays))


def _to_npz(file: BinaryIO, arrays: Arrays) -> None:
    write_npz(file, arrays, compressed=True)


def _to_torch(file: BinaryIO, arrays: Arrays) -> None:
    import torch  # imported here: takes seconds, and the other formats do not need it

    torch.save({name: torch.from_numpy(np.array(values)) for name, values in arrays.items()}, file)


WRITE: dict[str, Callable[[BinaryIO, Arrays], None]] = {
    ".npz": _to_npz,
    ".safetensors": write_safetensors,
    ".pt": _to_torch,
    ".pth": _to_torch,
}
