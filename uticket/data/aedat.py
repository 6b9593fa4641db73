"""AEDAT 2.0 and 3.1, the files of jAER and cAER: events of a DVS128 camera, or of any camera in 3.1.

tonic has functions for them, which in version 1.7 raise an error on every file. Source of the formats: iniVation,
"AEDAT file formats".
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

EVENT = np.dtype([("t", np.int64), ("x", np.int32), ("y", np.int32), ("p", np.int8)])
Events = NDArray[np.void]  # of EVENT: microseconds, column, row (from above), polarity (1: brighter)

PACKET = np.dtype(
    [
        ("kind", "<i2"),
        ("source", "<i2"),
        ("event_size", "<i4"),  # bytes
        ("time_offset", "<i4"),
        ("overflow", "<i4"),  # upper bits of all timestamps of the packet
        ("capacity", "<i4"),  # events in the file
        ("number", "<i4"),  # of them in use
        ("valid", "<i4"),
    ]
)
POLARITY = 1  # the kind of packet that holds events of pixels
DVS128 = 128  # pixels of a side


def events_of(t: object, x: object, y: object, p: object) -> Events:
    """Return events from arrays of one length."""
    found = np.empty(len(np.asarray(t)), dtype=EVENT)
    for name, values in (("t", t), ("x", x), ("y", y), ("p", p)):
        found[name] = values
    return found


def read_aedat(path: Path) -> Events:
    """Read a file of either version. Raises ValueError if it is of another one, of another camera, or cut off."""
    content = path.read_bytes()
    version = re.match(rb"#!AER-DAT(\d+\.\d+)\r?\n", content)
    start = 0
    while content[start : start + 1] == b"#":  # lines of the header
        end = content.find(b"\n", start) + 1 or len(content)
        line, start = content[start:end], end
        if line.startswith(b"#!END-HEADER"):
            break
    if version is None or version[1] not in (b"2.0", b"3.1"):
        got = version[1].decode() if version else "no line #!AER-DAT"
        raise ValueError(f"expected AEDAT 2.0 or 3.1, got {got}")
    return _of_version_2(content[start:]) if version[1] == b"2.0" else _of_version_3(content, start)


def _of_version_2(content: bytes) -> Events:
    """Pairs of address and time, big-endian; the columns of a DVS128 are counted from the right."""
    if len(content) % 8:
        raise ValueError(f"expected events of 8 bytes, got {len(content)} bytes: the file is cut off")
    address, time = np.frombuffer(content, dtype=">u4").reshape(-1, 2).T.astype(np.int64)
    if (address > 0xFFFF).any():
        raise ValueError("expected addresses of a DVS128 in AEDAT 2.0, got those of another camera")
    of_pixels = address < 0x8000  # the other ones are marks from outside
    address, time = address[of_pixels], time[of_pixels]
    return events_of(time, DVS128 - 1 - (address >> 1 & 0x7F), address >> 8 & 0x7F, 1 - (address & 1))


def _of_version_3(content: bytes, start: int) -> Events:
    """Packets of events, little-endian; those of other sensors than pixels are skipped."""
    found = [np.empty(0, dtype=EVENT)]
    while start < len(content):
        if start + PACKET.itemsize > len(content):
            raise ValueError(f"expected a packet at byte {start}, got its end: the file is cut off")
        packet = np.frombuffer(content, PACKET, 1, start)[0]
        size, capacity, number = (int(packet[name]) for name in ("event_size", "capacity", "number"))
        start += PACKET.itemsize
        if size < 1 or not 0 <= number <= capacity or start + size * capacity > len(content):
            raise ValueError(f"expected {number} of {capacity} events of {size} bytes at byte {start}, got fewer")
        if packet["kind"] == POLARITY and number:
            if size < 8 or size % 4:
                raise ValueError(f"expected events of pixels of 8 bytes at byte {start}, got {size}")
            words = np.frombuffer(content, "<u4", number * size // 4, start).reshape(number, -1)
            data, time = words[:, 0].astype(np.int64), words[:, 1].astype(np.int64)
            events = events_of(time | int(packet["overflow"]) << 31, data >> 17, data >> 2 & 0x7FFF, data >> 1 & 1)
            found.append(events[(data & 1).astype(bool)])  # bit 0: valid
        start += size * capacity
    return np.concatenate(found)
