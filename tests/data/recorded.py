"""Small recordings of events, drawn at random or by hand, in the published formats."""

from pathlib import Path

import numpy as np

from uticket.data.aedat import EVENT, Events


def drawn(count: int = 200, side: int = 8, seed: int = 0, duration: int = 10_000) -> Events:
    """Events in the order of their time, microseconds from 0."""
    rng = np.random.default_rng(seed)
    events = np.empty(count, dtype=EVENT)
    events["t"] = np.sort(rng.integers(0, duration, count))
    for name, high in (("x", side), ("y", side), ("p", 2)):
        events[name] = rng.integers(0, high, count)
    return events


def write_bin(path: Path, events: Events) -> Path:
    """Write what N-MNIST has: 8 bits of x, 8 of y, 1 of polarity, 23 of time."""
    words = events["p"].astype(np.int64) << 23 | events["t"]
    rows = [events["x"], events["y"], words >> 16, words >> 8 & 255, words & 255]
    return written(path, np.stack(rows, 1).astype(np.uint8).tobytes())


def write_aedat2(path: Path, events: Events, marks: int = 0) -> Path:
    """Write what jAER does for a DVS128; marks: events from outside at the end."""
    address = events["y"] << 8 | (127 - events["x"]) << 1 | (1 - events["p"])
    pairs = np.stack([address, events["t"]], 1).astype(">u4")
    outside = np.array([[0x8000, 99]] * marks, dtype=">u4").reshape(-1, 2)
    header = b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n"
    return written(path, header + pairs.tobytes() + outside.tobytes())


def write_aedat3(path: Path, events: Events, of_packet: int = 64, overflow: int = 0) -> Path:
    """Write what cAER does: packets of polarity events, one of another kind before them."""
    content = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n"
    content += packet(0, np.array([[1, 5]], dtype="<u4"), overflow)
    data = (
        events["x"].astype(np.int64) << 17 | events["y"].astype(np.int64) << 2 | events["p"].astype(np.int64) << 1 | 1
    )
    pairs = np.stack([data, events["t"]], 1).astype("<u4")
    for start in range(0, len(pairs), of_packet):
        content += packet(1, pairs[start : start + of_packet], overflow)
    return written(path, content)


def packet(kind: int, pairs: np.ndarray, overflow: int = 0) -> bytes:
    """A packet of AEDAT 3.1."""
    count = len(pairs)
    header = np.array([kind, 1], dtype="<i2").tobytes()
    return header + np.array([8, 4, overflow, count, count, count], dtype="<i4").tobytes() + pairs.tobytes()


def written(path: Path, content: bytes) -> Path:
    """Write a file and its folder; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
