"""A network cut into several files, as an index lists them (*.safetensors.index.json, *.bin.index.json)."""

from collections.abc import Callable
from pathlib import Path

from uticket.base.files import read_json
from uticket.foreign.contents import Arrays, Contents, Operator, Skipped


def read_shards(path: Path, read: Callable[[Path], Contents]) -> Contents:
    """Read the arrays that an index lists, in its order. read: reads a file beside the index.

    Raises ValueError if it is no index, or names a file in another folder, or an array that its file lacks.
    """
    index = read_json(path, "an index of shards")
    files = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(files, dict) or not all(isinstance(file, str) for file in files.values()):
        raise ValueError('JSON without a "weight_map" of arrays and their files')
    held: dict[str, Contents] = {}
    for file in dict.fromkeys(files.values()):
        if not file or Path(file).name != file or file.endswith(".json"):
            raise ValueError(f"the shard {file[:80]!r}, which is no file beside the index")
        held[file] = read(path.with_name(file))
    arrays: Arrays = {}
    skipped: list[Skipped] = []
    operators: dict[str, Operator] = {}
    for name, file in files.items():
        found = held[file]
        left_out = [part for part in found.skipped if part.name == name]
        if name in found.arrays:
            arrays[name] = found.arrays[name]
        elif not left_out:
            raise ValueError(f"the array {name[:80]!r}, which {file[:80]} lacks")
        skipped += left_out
    for file, found in held.items():
        skipped += [
            Skipped(n, f"in {file}, not in the index", a.size) for n, a in found.arrays.items() if n not in files
        ]
    return Contents(arrays, tuple(skipped), operators)
