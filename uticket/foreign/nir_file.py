"""Arrays and layers in a file of the Neuromorphic Intermediate Representation (NIR): HDF5 with a graph of nodes.

Read with h5py, not with the `nir` package: links and declared sizes are looked at before they are followed.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from uticket.base.room import Room
from uticket.foreign.contents import Arrays, Contents, Operator, Skipped
from uticket.foreign.dtypes import plain, unread
from uticket.foreign.operators import sizes

# datasets of a node that describe it, and are no parameters of it
SETTINGS: tuple[str, ...] = (
    "type",
    "stride",
    "padding",
    "dilation",
    "groups",
    "input_shape",
    "input_type",
    "output_type",
    "shape",
)
SETTINGS += ("start_dim", "end_dim", "kernel_size")
DEEPEST = 16  # graphs in graphs
MOST_NODES = 100_000
MOST_TIMESTEPS = 2**16 - 1  # as in params.yaml


def read_nir(path: Path) -> Contents:
    """Read the parameters of the nodes of a NIR graph, named node.parameter, in the order in which spikes pass.

    Raises ValueError if the file is HDF5 of another kind.
    """
    import h5py  # imported here: other formats do not need it

    room = Room()
    arrays: Arrays = {}
    skipped: list[Skipped] = []
    operators: dict[str, Operator] = {}
    with h5py.File(path, "r") as file:
        root = _member(file, "node")
        if root is None or _text(_member(root, "type")) != "NIRGraph":
            raise ValueError("HDF5 that is no NIR graph")
        for count, (name, node) in enumerate(_nodes(root, "", 0)):
            if count >= MOST_NODES:
                raise ValueError(f"more than {MOST_NODES:,} nodes")
            operator = _operator(node)
            for key in node:
                values = _member(node, key)
                if key in SETTINGS or not isinstance(values, h5py.Dataset):
                    continue
                reason = unread(values.dtype)
                if reason:
                    skipped.append(Skipped(f"{name}.{key}", reason, math.prod(values.shape)))
                    continue
                room.take(8 * math.prod(values.shape), "arrays")
                arrays[f"{name}.{key}"] = plain(values[()] if values.shape else values[()].reshape(()))
                operators[f"{name}.{key}"] = operator
        return Contents(arrays, tuple(skipped), operators, timesteps=_timesteps(root))


def _timesteps(root: Any) -> int | None:
    """Return the timesteps that `uticket export` writes beside a graph; None if there are none of a possible number."""
    metadata = _member(root, "metadata")
    values = None if metadata is None else _member(metadata, "timesteps")
    if values is None or values.shape != () or values.dtype.kind not in "iu":
        return None
    found = int(values[()])
    return found if 1 <= found <= MOST_TIMESTEPS else None


def _nodes(graph: Any, prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the nodes of a graph and of the graphs in it, by dotted name."""
    if depth > DEEPEST:
        raise ValueError(f"graphs nested deeper than {DEEPEST}")
    nodes = _member(graph, "nodes")
    for name in _order(list(nodes), _edges(graph)):
        node = _member(nodes, name)
        if _text(_member(node, "type")) == "NIRGraph":
            yield from _nodes(node, f"{prefix}{name}.", depth + 1)
        else:
            yield prefix + name, node


def _order(names: list[str], edges: list[tuple[str, str]]) -> list[str]:
    """Return nodes in the order in which spikes reach them; those in a loop by name, after all that leads to it."""
    before: dict[str, set[str]] = {name: set() for name in names}
    for start, end in edges:
        if start != end and start in before and end in before:
            before[end].add(start)
    sorter, ordered = TopologicalSorter(before), []
    with suppress(CycleError):
        sorter.prepare()
    while sorter.is_active() and (ready := sorter.get_ready()):
        ordered += sorted(ready)
        sorter.done(*ready)
    return [*ordered, *(name for name in names if name not in ordered)]


def _edges(graph: Any) -> list[tuple[str, str]]:
    values = _member(graph, "edges")
    if values is None or values.size > MOST_NODES or not values.size:
        return []
    return [(_text(start), _text(end)) for start, end in values[()]]


def _operator(node: Any) -> Operator:
    """Return what a node says about itself."""
    given = {name: _numbers(node, name) for name in ("stride", "padding", "dilation", "groups", "input_shape")}
    groups = given["groups"]
    return Operator(
        kind=_text(_member(node, "type")),
        stride=given["stride"],
        padding=given["padding"],
        dilation=given["dilation"],
        groups=groups[0] if groups else None,
        input_size=given["input_shape"],
    )


def _numbers(node: Any, name: str) -> tuple[int, ...] | None:
    values = _member(node, name)
    if values is None or values.dtype.kind not in "iu" or values.size > 3:
        return None
    return sizes(values[()].tolist())


def _text(value: Any) -> str:
    """Return a text, which may be a dataset of one; "" if it is none."""
    held = value[()] if getattr(value, "shape", None) == () else value
    return held.decode(errors="replace") if isinstance(held, bytes) else str(held or "")


def _member(group: Any, name: str) -> Any:
    """Return a member of a group that lies in the same file; None if there is none."""
    import h5py

    link = group.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        raise ValueError(f"a link {name[:60]!r} to another place")
    member = group[name]
    if isinstance(member, h5py.Dataset) and (member.external or member.is_virtual):
        raise ValueError(f"an array {name[:60]!r} whose numbers are in another file")
    return member
