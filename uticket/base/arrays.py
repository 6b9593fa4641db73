"""Arrays that stages pass to each other: safetensors, .npz and .npy. Nothing is unpickled.

Only regular files are read, and sizes that they declare are checked before memory is taken. Each array of a safetensors
file is sealed with a digest of its bytes, so that one flipped bit is found when it is read; the members of an .npz
archive have a checksum.
"""

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Self

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from uticket.base.archive import Archive
from uticket.base.errors import InputError, one_line
from uticket.base.files import look
from uticket.base.room import Room, look_for_room

Arrays = Mapping[str, NDArray[Any]]
SEALS = "digests"  # entry of the metadata: JSON, name -> digest
LARGEST_HEADER = 25 * 2**20  # bytes of that of a safetensors file: 100,000 arrays
# The types of safetensors, in the order in which its library writes the arrays of a file.
_TYPES = {"bool": "BOOL", "uint8": "U8", "int8": "I8", "int16": "I16", "uint16": "U16", "float16": "F16"}
_TYPES |= {"int32": "I32", "uint32": "U32", "float32": "F32", "float64": "F64", "int64": "I64", "uint64": "U64"}


class Lazy(Mapping[str, NDArray[Any]]):
    """Arrays that are made each time they are asked for, so that those of a large network are never all in memory."""

    def __init__(self, makers: Mapping[str, Callable[[], NDArray[Any]]]) -> None:
        self._makers = makers

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._makers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        return name in self._makers


@dataclass(frozen=True)
class Seals:
    """The digests in a safetensors file; a file of others has none, and is read as it is."""

    digests: Mapping[str, str] | None

    @classmethod
    def of(cls, metadata: Mapping[str, str] | None) -> Self:
        """Read the metadata of a file. Raises ValueError if they are damaged."""
        text = (metadata or {}).get(SEALS)
        digests = None if text is None else json.loads(text)
        if digests is not None and not isinstance(digests, dict):
            raise ValueError("digests of another kind")
        return cls(digests)

    def checked(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """Return an array. Raises ValueError if its bytes are not those that were sealed, or are no booleans."""
        if values.dtype == np.bool_ and values.view(np.uint8).max(initial=0) > 1:
            raise ValueError(f"booleans other than 0 and 1 in {name!r}")
        self.check(name, values.shape, values)
        return values

    def check(self, name: str, shape: Iterable[int], raw: NDArray[Any] | bytes | memoryview) -> None:
        """Raise ValueError if these are not the bytes that were sealed."""
        if self.digests is not None and self.digests.get(name) != _digest(shape, raw):
            raise ValueError(f"other bytes in {name!r} than were written")


def _digest(shape: Iterable[int], raw: NDArray[Any] | bytes | memoryview) -> str:
    whole = hashlib.blake2b(repr(tuple(shape)).encode(), digest_size=16)
    whole.update(np.ascontiguousarray(raw).data if isinstance(raw, np.ndarray) else raw)
    return whole.hexdigest()


def safetensors_bytes(arrays: Arrays) -> bytes:
    """Return a sealed safetensors file; the same arrays give the same bytes."""
    file = io.BytesIO()
    write_safetensors(file, arrays)
    return file.getvalue()


def write_safetensors(file: BinaryIO, arrays: Arrays) -> None:
    """Write a sealed safetensors file, as its library does, but array by array: each is asked for twice."""
    digests, found = {}, []
    for name in sorted(arrays):
        values = np.asarray(arrays[name])
        digests[name] = _digest(values.shape, values)
        found.append((-list(_TYPES).index(values.dtype.name), name, values.shape, values.nbytes))
    header: dict[str, Any] = {"__metadata__": {SEALS: json.dumps(digests)}}
    end = 0
    for kind, name, shape, size in sorted(found):
        header[name] = {"dtype": list(_TYPES.values())[-kind], "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for _, name, *_ in sorted(found):
        file.write(np.ascontiguousarray(arrays[name]).data)


def open_safetensors(path: Path, framework: str = "np") -> Any:
    """Open a safetensors file, for `with`, if there is room for all of it.

    Raises InputError, naming the file, as `look_for_room` does, and ValueError or SafetensorError on a wrong header.
    """
    look_for_room(path, "a safetensors file")
    with path.open("rb") as file:
        header_length(file)
    return safe_open(path, framework=framework)


def header_length(file: IO[bytes]) -> int:
    """Read how long the header is that follows in a safetensors file. Raises ValueError if it is very long."""
    length = int.from_bytes(file.read(8), "little")
    if length > LARGEST_HEADER:
        raise ValueError(f"a header of {length:,} bytes")
    return length


def load_arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the arrays `names` of a safetensors file, in that order; None reads all.

    Raises InputError, naming the file, if it is missing, damaged or without one of them.
    """
    try:
        with open_safetensors(path) as file:
            held = set(file.keys())
            names = sorted(held) if names is None else list(names)
            absent = [name for name in names if name not in held]
            if absent:
                raise InputError(f"{path}: expected the array {absent[0]!r}, got {', '.join(sorted(held))}")
            seals = Seals.of(file.metadata())
            return {name: seals.checked(name, file.get_tensor(name)) for name in names}
    except (OSError, SafetensorError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: expected a safetensors file, got: {one_line(error)}") from None


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
