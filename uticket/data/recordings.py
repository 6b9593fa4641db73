"""Recordings of event cameras: one file each, in the formats that people have.

tonic reads N-MNIST's files and AEDAT 4. It is an optional library (`pip install tonic`) and is imported inside
functions: it takes seconds, and imports torch.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError, one_line
from uticket.base.npz import load_npy, load_npz
from uticket.base.room import look_for_room
from uticket.data.aedat import Events, events_of, read_aedat

FIELDS = ("t", "x", "y", "p")


def tonic(module: str) -> Any:
    """Return a module of tonic. Raises InputError, which says how to install it, if it is missing."""
    try:
        return import_module(f"tonic.{module}")
    except ImportError as error:
        expected = "expected tonic, which reads event data"
        raise InputError(f"data.name: {expected}, got: {one_line(error)}; `pip install tonic`") from None


def read_recording(path: Path) -> Events:
    """Read the events of a file in the order of their time, in microseconds.

    Raises InputError, naming the file, if it is missing, damaged, of another format, or has no events.
    """
    look_for_room(path, "a recording of events")
    try:
        events = READERS[path.suffix](path)
    except OSError as error:
        raise InputError(f"{path}: expected a recording of events, got: {one_line(error)}") from None
    except ValueError as error:
        text = str(error) if isinstance(error, InputError) else f"{path}: {one_line(error, 300)}"
        raise InputError(text) from None
    if not len(events):
        raise InputError(f"{path}: expected events, got none")
    in_order = bool((np.diff(events["t"]) >= 0).all())
    return events if in_order else events[np.argsort(events["t"], kind="stable")]


def _npy(path: Path) -> Events:
    values = load_npy(path, "a recording of events")
    if values.ndim != 1 or values.dtype.names is None:
        raise ValueError(f"expected an array of events with fields {FIELDS}, got {values.dtype} of {values.shape}")
    return _checked({name: values[name] for name in values.dtype.names})


def _npz(path: Path) -> Events:
    return _checked(load_npz(path, "a recording of events"))


def _checked(fields: Mapping[str, NDArray[Any]]) -> Events:
    """Return events from fields by name. Raises ValueError if they are no events, so that nothing is cut to fit."""
    missing = [name for name in FIELDS if name not in fields]
    if missing:
        raise ValueError(f"expected {', '.join(FIELDS)}, one value for each event, got {', '.join(fields) or 'none'}")
    arrays = [np.asarray(fields[name]) for name in FIELDS]
    if any(values.shape != (arrays[0].size,) for values in arrays):
        raise ValueError(f"expected t, x, y, p of one length, got {', '.join(str(v.shape) for v in arrays)}")
    for name, values in zip(FIELDS, arrays, strict=True):
        if values.dtype.kind not in "biuf" or (values.dtype.kind == "f" and not (values % 1 == 0).all()):
            raise ValueError(f"expected whole numbers in {name}, times in microseconds, got {values.dtype}")
    t, x, y, p = (values.astype(np.int64) for values in arrays)
    if not {*np.unique(p).tolist()} <= {0, 1} and not {*np.unique(p).tolist()} <= {-1, 1}:
        raise ValueError(f"expected 0 and 1, or -1 and 1, in p, got {np.unique(p)[:5].tolist()}")
    return events_of(t, x, y, p > 0)


def _bin(path: Path) -> Events:
    """Read a file of N-MNIST or N-Caltech101: 5 bytes for each event."""
    size = path.stat().st_size
    if size % 5:
        raise ValueError(f"expected events of 5 bytes, got {size} bytes: the file is cut off")
    io = tonic("io")
    found = io.read_mnist_file(str(path), dtype=io.events_struct)
    return events_of(*(found[name] for name in FIELDS))


def _aedat4(path: Path) -> Events:
    """Read AEDAT 4 through tonic, which needs another library for it."""
    try:
        events = tonic("io").read_aedat4(str(path))
    except ImportError:
        raise ValueError("expected the library aedat, which reads AEDAT 4, got none; pip install aedat") from None
    except InputError:
        raise
    except Exception as error:  # of the decoder, which has no class of its own
        raise ValueError(f"expected AEDAT 4, got: {one_line(error)}") from None
    return events_of(*(events[name] for name in events.dtype.names))  # t, x, y and the polarity, by any name


READERS: Mapping[str, Callable[[Path], Events]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".bin": _bin,
    ".aedat": read_aedat,
    ".aedat4": _aedat4,
}
