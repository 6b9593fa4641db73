"""What `torch.save` and `pickle.dump` write, read without PyTorch: .pt, .pth, .ckpt, .bin, .pkl.

A zip archive with data.pkl and storages (since PyTorch 1.6, TorchScript too), the stream of pickles before it, or one
pickle.
"""

import io
import mmap
from pathlib import Path
from typing import Any

from uticket.base.archive import Archive
from uticket.base.room import Room
from uticket.foreign.choose import contents_of
from uticket.foreign.contents import Contents, Skipped
from uticket.foreign.pickles import load_pickle
from uticket.foreign.stream import MAGIC, Storages, load_stream
from uticket.foreign.tensors import Tensors
from uticket.foreign.tree import Tree

PICKLE = "data.pkl"


def is_torch(archive: Archive) -> bool:
    """Return whether a zip archive was written by PyTorch."""
    return any(name.rpartition("/")[2] == PICKLE for name in archive.names)


def read_torch_archive(archive: Archive, room: Room) -> Contents:
    """Read the weights in an archive of `torch.save`; storages of an optimizer, which no weight needs, are not read."""
    member = min((name for name in archive.names if name.rpartition("/")[2] == PICKLE), key=len)
    folder = member.removesuffix(PICKLE)
    order = archive.read(f"{folder}byteorder") if f"{folder}byteorder" in archive.names else b"little"

    def storage(key: str) -> tuple[bytes, str]:
        return archive.read(f"{folder}data/{key}"), ">" if order == b"big" else "<"

    root = load_pickle(io.BytesIO(archive.read(member)))
    return _contents(root, storage, room)


def read_pickle(path: Path) -> Contents:
    """Read the weights in a pickle, or in a file of `torch.save` before PyTorch 1.6."""
    room = Room()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        room.take(len(content), "a file")
        root = load_pickle(content)  # type: ignore[arg-type]  # a memory map reads like a file
        if root == MAGIC and isinstance(root, int):
            content.seek(0)
            return _contents(*load_stream(content), room)  # type: ignore[arg-type]
        rest = len(content) - content.tell()

    def nothing(key: str) -> Any:
        raise ValueError("tensors whose numbers are not in the file")

    found = _contents(root, nothing, room)
    after = (Skipped("the rest of the file", f"{rest} bytes after the first pickle"),) if rest else ()
    return Contents(found.arrays, (*found.skipped, *after), found.operators, found.notes)


def _contents(root: Any, storages: Storages, room: Room) -> Contents:
    return contents_of(Tree(Tensors(storages, room), room), root)
