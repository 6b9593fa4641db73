"""How much of a file is taken into memory: sizes that files declare are checked before memory is taken."""

from pathlib import Path

import psutil

from uticket.base.errors import InputError
from uticket.base.files import look

SHARE = 0.5  # of the free memory: masks and counts need some too
GIB = 2**30


class Room:
    """Bytes that the arrays of one file may take in memory: half of what is free when reading starts."""

    def __init__(self) -> None:
        self.bytes = self.left = int(psutil.virtual_memory().available * SHARE)

    def take(self, size: int, what: str) -> None:
        """Count `size` bytes more. Raises ValueError, naming what they are for, if there is no room for them."""
        self.left -= size
        if size < 0 or self.left < 0:
            wanted = (
                f"{(self.bytes - self.left) / GIB:,.1f} GiB" if self.bytes - self.left < 2**60 else "over 2^60 bytes"
            )
            raise ValueError(f"{what} of {wanted} in all, with room for {self.bytes / GIB:,.1f} GiB")


def look_for_room(path: Path, what: str) -> int:
    """Return the size in bytes of a regular file that will be read as a whole.

    Raises InputError, naming the file and `what` was expected, as `look` does, or if there is no room for it.
    """
    size = look(path, what)
    try:
        Room().take(size, "a file")
    except ValueError as error:
        raise InputError(f"{path}: expected {what}, got: {error}") from None
    return size
