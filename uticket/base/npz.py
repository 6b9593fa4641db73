"""Arrays that stages pass to each other as numpy writes them, .npz and .npy. Nothing is unpickled.

Only regular files are read, and sizes that they declare are checked before memory is taken. The members of an archive
have a checksum.
"""

import io
import math
import zipfile
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from uticket.base.archive import Archive
from uticket.base.arrays import Arrays
from uticket.base.errors import InputError, one_line
from uticket.base.files import look
from uticket.base.room import Room, look_for_room


def load_npz(path: Path, what: str) -> dict[str, NDArray[Any]]:
    """Read all arrays of an .npz archive.

    what: named in the InputError, with the file, if it is missing, damaged, or larger than half of the free memory.
    """
    look(path, what)
    try:
        with Archive(path, Room()) as archive:
            return {name.removesuffix(".npy"): _member(archive, name) for name in archive.names}
    except Exception as error:  # a damaged archive raises errors of zipfile, zlib, struct and numpy
        raise InputError(f"{path}: expected {what}, got: {one_line(error)}") from None


def load_npy(path: Path, what: str) -> NDArray[Any]:
    """Read the array of an .npy file. what: as in `load_npz`."""
    size = look_for_room(path, what)
    try:
        with path.open("rb") as file:
            return _array(file, size)
    except Exception as error:  # as above
        raise InputError(f"{path}: expected {what}, got: {one_line(error)}") from None


def _member(archive: Archive, name: str) -> NDArray[Any]:
    with archive.open(name) as file:
        return _array(file, archive.size(name))


def _array(file: IO[bytes], size: int) -> NDArray[Any]:
    """Read an array as numpy writes it, of `size` bytes in all. Raises ValueError if it declares another size."""
    version = npy_format.read_magic(file)
    read_header = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    shape, _, dtype = read_header(file)
    declared, held = math.prod(shape) * dtype.itemsize, size - file.tell()
    if declared != held and not dtype.hasobject:
        raise ValueError(f"an array of shape {shape} in {held:,} bytes")
    file.seek(0)
    values: NDArray[Any] = npy_format.read_array(file, allow_pickle=False)
    return values


def npz_bytes(arrays: Arrays, compressed: bool = False) -> bytes:
    """Return what `write_npz` writes."""
    file = io.BytesIO()
    write_npz(file, arrays, compressed)
    return file.getvalue()


def write_npz(file: BinaryIO, arrays: Arrays, compressed: bool = False) -> None:
    """Write an .npz archive array by array; the same arrays give the same bytes, at any time and with any Python.

    Compressed, they depend on the version of zlib. `numpy.savez` writes the time of day, refuses some names, and leaves
    the version of the archive to Python.
    """
    with zipfile.ZipFile(file, "w") as archive:
        for name, values in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # dated 1980
            member.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(values), allow_pickle=False)
            archive.writestr(member, content.getbuffer())
