"""numpy arrays that a pickle describes, built from their bytes.

Source: `ndarray.__reduce__` of numpy 1 and 2, protocols 0 to 5, and of numpy 1 on Python 2.
"""

import re
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.room import Room
from uticket.foreign.dtypes import count, decoded, plain, plain_size, unread
from uticket.foreign.inert import Object
from uticket.foreign.leaf import Leaf, unreadable

RECONSTRUCT = re.compile(r"numpy\.(_?core\.multiarray|ma\.core)\._(mareconstruct|reconstruct)")
SCALAR = re.compile(r"numpy\._?core\.multiarray\.scalar")
FROM_BUFFER = re.compile(r"numpy\._?core\.numeric\._frombuffer")


def array_leaf(made: Object, room: Room) -> Leaf | None:
    """Return the array that a recorded call of numpy's would make; None if it makes none, or one of objects."""
    if FROM_BUFFER.fullmatch(made.kind):
        raw, dtype, shape, order, *axes = made.args
        found = _leaf(raw, dtype, shape, order == "F", room)
        if found is None or not axes or axes[0] is None:
            return found
        stored = found.read  # with its axes in the order in which they lie in memory
        return replace(found, shape=tuple(shape[axis] for axis in axes[0]), read=lambda: stored().transpose(axes[0]))
    if SCALAR.fullmatch(made.kind):
        dtype, raw = made.args
        found = _leaf(raw, dtype, (), False, room)
        return None if found is None else Leaf((), found.read, found.reason, single=True)
    if RECONSTRUCT.fullmatch(made.kind) and isinstance(made.state, tuple):
        if "mareconstruct" in made.kind:
            return unreadable(tuple(made.state[1]), "a masked array")
        _, shape, dtype, in_columns, raw = made.state
        return _leaf(raw, dtype, shape, in_columns, room)
    return None


def held_objects(made: Object) -> list[Any] | None:
    """Return what an array of Python objects holds; None if it is none. An array of no dimensions holds one."""
    if RECONSTRUCT.fullmatch(made.kind) and isinstance(made.state, tuple) and isinstance(made.state[-1], list):
        return made.state[-1]
    return None


def _leaf(raw: Any, dtype: Any, shape: Any, in_columns: bool, room: Room) -> Leaf | None:
    code, order = _code(dtype)
    if code.startswith("O"):
        return None
    kept = shape if isinstance(shape, tuple) else (shape,)
    numbers, reason = count(kept), unread(np.dtype(code)) if CODE.fullmatch(code) else f"values of type {code[:40]}"
    if reason:
        return unreadable(kept, reason)

    def read() -> NDArray[Any]:
        room.take(plain_size(np.dtype(code)) * numbers, "arrays")
        flat = decoded(bytes_of(raw), np.dtype(code).name, order)
        return plain(flat).reshape(kept, order="F" if in_columns else "C")

    return Leaf(kept, read)


CODE = re.compile(r"[biufc]\d{1,2}|[SUVmM]\d*")


def _code(dtype: Any) -> tuple[str, str]:
    """Return code, such as f4, and byte order of a pickled numpy.dtype."""
    if not isinstance(dtype, Object):
        raise ValueError("an array without a type")
    code, state = dtype.args[0], dtype.state
    order = state[1] if isinstance(state, tuple) else "<"
    return str(code), ">" if order == ">" else "<"


def bytes_of(value: Any) -> bytes:
    """Return pickled bytes, which protocols below 3 write as text."""
    if isinstance(value, Object) and value.kind.endswith(".encode") and len(value.args) == 2:
        return str(value.args[0]).encode("latin-1")
    if isinstance(value, Object) and value.kind.rpartition(".")[2] in ("bytes", "bytearray"):
        return bytes_of(value.args[0]) if value.args else b""
    if isinstance(value, str):
        return value.encode("latin-1")
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    raise ValueError("an array whose bytes are not in the file")
