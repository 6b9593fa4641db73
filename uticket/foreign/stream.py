"""The older format of `torch.save`: pickles one after another, then the storages as they lie in memory.

Source: `_legacy_save` in `torch/serialization.py`.
"""

import struct
from collections.abc import Callable
from typing import Any, BinaryIO

from uticket.foreign.dtypes import dtype_of, storage_type
from uticket.foreign.inert import Object
from uticket.foreign.pickles import load_pickle

MAGIC = 0x1950A86A20F9469CFC6C
Storages = Callable[[str], tuple[bytes | memoryview, str]]  # key -> bytes of a storage, and their byte order: < or >


def load_stream(file: BinaryIO) -> tuple[Any, Storages]:
    """Read what was saved, and its storages. file: as for `load_pickle`, at the magic number."""
    if load_pickle(file) != MAGIC:
        raise ValueError("another magic number than that of torch.save")
    load_pickle(file)  # version of the protocol, always 1001
    system = load_pickle(file)
    outside: list[Object] = []
    root = load_pickle(file, outside)
    order = "<" if system.get("little_endian", True) else ">"
    keys = load_pickle(file)
    sizes = dict(_item_size(part.args[0]) for part in outside)
    found: dict[str, bytes] = {}
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        size = count * sizes.get(str(key), 1)
        found[str(key)] = file.read(max(size, 0))
        if len(found[str(key)]) != size:
            raise ValueError("a file that ends within a storage")
    return root, lambda key: (found[key], order)


def _item_size(identity: Any) -> tuple[str, int]:
    """Return the key of a storage, and the bytes of a number in it, from ("storage", type, key, place, count, ...)."""
    _, kind, key, *_ = identity
    return str(key), dtype_of(storage_type(kind.kind)).itemsize
