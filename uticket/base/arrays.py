"""Arrays that stages pass to each other in safetensors files; `uticket.base.npz` has those in archives of numpy.

Only regular files are read, and sizes that they declare are checked before memory is taken. Each array is sealed with a
digest of its bytes, so that one flipped bit is found when it is read.
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from uticket.base.errors import InputError, one_line
from uticket.base.room import look_for_room

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
