"""A look at a file before it is opened: what is refused, what it is by its first bytes."""

from pathlib import Path

from uticket.base.errors import InputError
from uticket.base.files import look

# First bytes -> what files that begin with them are; only the first three are read.
MAGIC = {
    b"PK\x03\x04": "zip",
    b"\x93NUMPY": "npy",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"version https://git-lfs": "a Git-LFS pointer in place of the file: `git lfs pull` fetches it",
    b"/annex/objects/": "a git-annex pointer in place of the file: `git annex get` fetches it",
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"BZh": "a bzip2 archive: unpack it first",
    b"\xfd7zXZ\x00": "an xz archive: unpack it first",
    b"7z\xbc\xaf": "a 7z archive: unpack it first",
    b"<!DOCTYPE": "a web page in place of the file",
    b"<!doctype": "a web page in place of the file",
    b"<html": "a web page in place of the file",
}
TAR = slice(257, 262)  # where a tar archive says "ustar"
SNIFFED = 512


def kind_of(path: Path) -> str:
    """Return what a file is by its first bytes: "zip", "npy", "hdf5", "safetensors", or "" if they do not say.

    Raises InputError, naming the file, if it is missing, no regular file (a folder, pipe or device), empty, an archive,
    or a pointer to a file elsewhere. Nothing but a regular file is opened.
    """
    size = look(path)
    with path.open("rb") as file:
        head = file.read(SNIFFED)
    found = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), "")
    if not head:
        found = "an empty file"
    elif head[TAR] == b"ustar":
        found = "a tar archive: unpack it first"
    elif head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size - 8:
        found = "safetensors"
    if " " in found:
        raise InputError(f"{path}: expected arrays, got {found}")
    return found
