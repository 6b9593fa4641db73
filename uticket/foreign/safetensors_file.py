"""Arrays in a safetensors file, of all its types but complex numbers and those of 6 bits."""

import json
import mmap
import re
from pathlib import Path
from typing import Any, BinaryIO

from safetensors import safe_open

from uticket.base.arrays import Seals, header_length
from uticket.base.room import Room
from uticket.foreign.contents import Arrays, Contents, Skipped
from uticket.foreign.dtypes import PACKED, count, decoded, dtype_of, plain, plain_size

MAPPED = 2**26  # bytes: larger files are mapped, and read where and when their numbers are wanted
TYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "F4": PACKED, "BOOL": "bool"}
TYPES |= {f"{kind}{bits}": f"{name}{bits}" for kind, name in (("I", "int"), ("U", "uint")) for bits in (8, 16, 32, 64)}
TYPES |= {"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu"}
TYPES |= {"F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz"}


def read_safetensors(path: Path) -> Contents:
    """Read the arrays of a safetensors file, sorted by name, numbers in names by value.

    Those of large files are mapped: they stand in the file, which nobody may shorten as long as they are used, and take
    memory only where another type is made of them.
    """
    room = Room()
    arrays: Arrays = {}
    skipped: list[Skipped] = []
    with path.open("rb") as file:
        length = header_length(file)
        with safe_open(path, framework="np"):  # checks the header
            header = json.loads(file.read(length))
        whole = _mapped(file) if path.stat().st_size > MAPPED else None
        seals = Seals.of(header.get("__metadata__"))
        for name in sorted(header.keys() - {"__metadata__"}, key=by_number):
            entry = header[name]
            kind, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            if kind not in TYPES:
                skipped.append(Skipped(name, f"numbers of type {kind}", count(shape)))
                continue
            size = 4 if TYPES[kind] == PACKED else plain_size(dtype_of(TYPES[kind]))
            if not whole or size * count(shape) != end - start:
                room.take(max(end - start, size * count(shape)), "arrays")
            file.seek(8 + length + start)
            raw = whole[8 + length + start : 8 + length + end] if whole else file.read(end - start)
            seals.check(name, shape, raw)
            arrays[name] = plain(decoded(raw, TYPES[kind])).reshape(shape)
    return Contents(arrays, tuple(skipped))


def _mapped(file: BinaryIO) -> memoryview:
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def by_number(name: str) -> list[tuple[int, Any]]:
    """Sort key by which layer 10 comes after layer 9."""
    parts = [(part, part.lstrip("0")) for part in re.split(r"([0-9]+)", name)]
    # numbers of thousands of digits are no int, but longer ones are larger
    return [(len(digits), digits) if n % 2 else (-1, part) for n, (part, digits) in enumerate(parts)]
