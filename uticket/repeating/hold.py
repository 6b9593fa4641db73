"""Files that one process at a time holds."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from uticket.base.errors import InputError, one_line


@contextmanager
def held(path: Path, wait: bool = False) -> Iterator[int]:
    """Hold a file, which is made if needed; yields its number, which a process that runs on may inherit.

    wait: until no other process holds it; otherwise raises BlockingIOError if one does. Raises InputError if there is
    no place to write to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(f"{path}: expected a place to write to, got: {one_line(error)}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield file
    finally:
        os.close(file)
