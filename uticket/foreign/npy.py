"""Arrays as numpy writes them, .npy and .npz, those of Python objects among them. Nothing is unpickled by numpy."""

import io
from ast import literal_eval
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from uticket.base.archive import Archive
from uticket.base.room import Room
from uticket.foreign.choose import contents_of
from uticket.foreign.contents import Arrays, Contents, Skipped
from uticket.foreign.dtypes import count, decoded, plain, unread
from uticket.foreign.leaf import Leaf, unreadable
from uticket.foreign.pickles import load_pickle
from uticket.foreign.tensors import Tensors
from uticket.foreign.tree import Tree

LONGEST_HEADER = 10_000  # bytes, as numpy has it: Python's parser takes long for long ones


def read_npy(path: Path) -> Contents:
    """Read the array of an .npy file, named as the file."""
    room = Room()
    room.take(path.stat().st_size, "a file")
    value = _value(path.read_bytes(), room)
    return contents_of(_tree(room), value)


def read_npz(archive: Archive, room: Room) -> Contents:
    """Read the arrays of an .npz archive. Members that are no arrays are left out."""
    arrays: Arrays = {}
    skipped: list[Skipped] = []
    notes: list[str] = []
    for member in archive.names:
        name = member.removesuffix(".npy")
        if name == member:
            skipped.append(Skipped(member, "no array", 0))
            continue
        value = _value(archive.read(member), room)
        found = contents_of(_tree(room), {name: value} if isinstance(value, Leaf) else value)
        prefix = "" if isinstance(value, Leaf) else f"{name}."
        arrays |= {prefix + key: values for key, values in found.arrays.items()}
        skipped += [Skipped(prefix + part.name, part.reason, part.numbers) for part in found.skipped]
        notes += [f"{name}: {note}" for note in found.notes]
    return Contents(arrays, tuple(skipped), notes=tuple(notes))


def _tree(room: Room) -> Tree:
    def nothing(key: str) -> Any:
        raise ValueError("tensors whose numbers are not in the file")

    return Tree(Tensors(nothing, room), room)


def _value(raw: bytes, room: Room) -> Any:
    """Return a Leaf, or what an array of Python objects holds. Raises ValueError if it is no array."""
    file = io.BytesIO(raw)
    version = npy_format.read_magic(file)
    length = int.from_bytes(file.read(2 if version == (1, 0) else 4), "little")
    if length > LONGEST_HEADER:
        raise ValueError(f"an array with a header of {length:,} bytes")
    header = literal_eval(file.read(length).decode("latin-1" if version < (3, 0) else "utf-8").strip())
    dtype, shape = npy_format.descr_to_dtype(header["descr"]), header["shape"]
    if dtype.kind == "O" and dtype.fields is None:
        return load_pickle(file)
    numbers, reason = count(shape), unread(dtype)
    if reason or dtype.subdtype:
        return unreadable(shape, reason or "records")
    order = ">" if dtype.byteorder == ">" else "<"
    content = raw[file.tell() : file.tell() + numbers * dtype.itemsize]

    def read() -> np.ndarray[Any, Any]:
        flat = plain(decoded(content, dtype.newbyteorder("=").name, order))
        return flat.reshape(shape, order="F" if header["fortran_order"] else "C")

    return Leaf(shape, read)
