"""Zip archives (.npz, and .pt since PyTorch 1.6), whose sizes are checked before memory is taken."""

import zipfile
from pathlib import Path
from typing import IO

from uticket.base.errors import one_line
from uticket.base.room import Room

LARGEST_INDEX = 64 * 2**20  # bytes of the list of members; Python takes some ten times as much to read it
TAIL = 2**16 + 22 + 76  # a comment, the end record, and the records of large archives before it


class Archive:
    """The members of a zip archive."""

    def __init__(self, path: Path, room: Room) -> None:
        _check_index(path)
        try:
            self._archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:  # its list of members is at the end: of a file cut off there is none
            raise ValueError(f"a zip archive that is cut off or damaged ({one_line(error)})") from None
        self.names = self._archive.namelist()
        if len(set(self.names)) < len(self.names):
            raise ValueError("an archive with two members of one name")
        self._room = room

    def size(self, name: str) -> int:
        """Return how many bytes a member says it has; no more are ever read of it."""
        return self._archive.getinfo(name).file_size

    def read(self, name: str) -> bytes:
        """Return a member. Raises ValueError if there is no room for it, errors of zipfile if it is damaged."""
        with self.open(name) as file:
            content = file.read()
        if len(content) != self.size(name):
            raise ValueError(f"an archive whose member {name[:60]!r} is cut off")
        return content

    def open(self, name: str) -> IO[bytes]:
        """Open a member. Raises ValueError if there is no room for all of it, errors of zipfile if it is damaged."""
        self._room.take(self.size(name), "members")
        return self._archive.open(name)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()


def _check_index(path: Path) -> None:
    """Raise ValueError if an archive says that the list of its members is very large."""
    with path.open("rb") as file:
        file.seek(-min(TAIL, path.stat().st_size), 2)
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    size = int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0
    large = tail.rfind(b"PK\x06\x06")
    if size == 2**32 - 1 and large >= 0:
        size = int.from_bytes(tail[large + 40 : large + 48], "little")
    if size > LARGEST_INDEX:
        raise ValueError(f"an archive with a list of members of {size:,} bytes")
