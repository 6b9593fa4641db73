"""What a pickle holds, as a tree: containers with named children, and arrays as leaves."""

from collections.abc import Sequence
from typing import Any

from uticket.base.room import Room
from uticket.foreign.inert import Name, Object
from uticket.foreign.leaf import Leaf
from uticket.foreign.ndarrays import array_leaf, held_objects
from uticket.foreign.tensors import Tensors

DEEPEST = 64  # containers in each other
MOST_PARTS = 2_000_000  # visits of parts, of which a small file can ask any number by repeating its containers
LONGEST_NAME = 1000
SAVED = ("_parameters", "_buffers", "_modules")  # what the state dict of a module holds
Parts = Sequence[tuple[str, Any]]


class Tree:
    """The values of one file, from `load_pickle`."""

    def __init__(self, tensors: Tensors, room: Room) -> None:
        self._tensors, self._room = tensors, room
        self._leaves: dict[int, Leaf | None] = {}
        self._visits = 0

    def leaf(self, value: Any) -> Leaf | None:
        """Return an array; None if the value is none."""
        if isinstance(value, Leaf):
            return value
        if not isinstance(value, Object):
            return None
        if id(value) not in self._leaves:
            self._leaves[id(value)] = self._tensors.leaf(value) or array_leaf(value, self._room)
        return self._leaves[id(value)]

    def parts(self, value: Any) -> Parts:
        """Return the named children of a container, in order: of a module, mapping, list or object; () of all else."""
        if is_module(value):
            return _module_parts(value)
        while isinstance(value, Object):
            value = _content(value)
        if isinstance(value, dict):
            return [(str(key), part) for key, part in value.items()]
        if isinstance(value, list | tuple):
            if value and all(_is_pair(part) for part in value):
                return [(part[0], part[1]) for part in value]
            return [(str(number), part) for number, part in enumerate(value)]
        return ()

    def numbers(self, value: Any, above: tuple[int, ...] = ()) -> int:
        """Return how many numbers the arrays of a part hold, lone numbers left aside."""
        leaf = self.leaf(value)
        if leaf is not None:
            return 0 if leaf.single else leaf.numbers
        return sum(self.numbers(part, (*above, id(value))) for _, part in self.within(value, above))

    def within(self, value: Any, above: tuple[int, ...]) -> Parts:
        """Return the parts of a container that has others above it, without those that hold it themselves.

        Raises ValueError if they are nested too deep, or too many in all.
        """
        parts = self.parts(value)
        if len(above) > DEEPEST:
            raise ValueError(f"containers nested deeper than {DEEPEST}")
        self._visits += len(parts) + 1
        if self._visits > MOST_PARTS:
            raise ValueError(f"more than {MOST_PARTS:,} parts")
        if any(len(name) > LONGEST_NAME for name, _ in parts):
            raise ValueError(f"a name of more than {LONGEST_NAME:,} characters")
        if len({name for name, _ in parts}) < len(parts):  # such as the keys 1 and "1"
            raise ValueError("two parts of one name")
        return [(name, part) for name, part in parts if id(part) != id(value) and id(part) not in above]


def is_module(value: Any) -> bool:
    """Return whether a value is a pickled torch.nn.Module, of any class."""
    return isinstance(value, Object) and isinstance(value.state, dict) and "_parameters" in value.state


def attributes(value: Any) -> dict[Any, Any]:
    """Return the attributes of a pickled object, by name."""
    state = value.state if isinstance(value, Object) else None
    if isinstance(state, tuple):  # those in __dict__, those in __slots__
        return {name: part for held in state if isinstance(held, dict) for name, part in held.items()}
    return state if isinstance(state, dict) else {}


def _module_parts(module: Object) -> Parts:
    """Return parameters, buffers and modules as a state dict has them."""
    parts = [pair for kind in SAVED for pair in _pairs(module.state.get(kind))]
    dropped = _dropped(module)
    return [(name, part) for name, part in parts if name not in dropped]


def unsaved(value: Any) -> Parts:
    """Return what a module has as attributes, or as buffers that its state dict leaves out; () of all else."""
    if not is_module(value):
        return ()
    dropped = _dropped(value)
    buffers = [(name, part) for name, part in _pairs(value.state.get("_buffers")) if name in dropped]
    return [*buffers, *((name, part) for name, part in _pairs(value.state) if name not in SAVED)]


def _pairs(value: Any) -> Parts:
    held = _content(value)
    return [(str(name), part) for name, part in held.items()] if isinstance(held, dict) else []


def _dropped(module: Object) -> list[Any]:
    """Return the names of the buffers that are no part of a state dict."""
    names = module.state.get("_non_persistent_buffers_set")
    held = _content(names)
    return held if isinstance(held, list) else []


def _content(value: Any) -> Any:
    """Return the container inside of an object: its pairs, items, attributes or only argument."""
    if not isinstance(value, Object):
        return value
    objects = held_objects(value)
    if objects is not None:
        return objects[0] if len(objects) == 1 and value.state[1] == () else objects
    if value.pairs or value.items:
        return value.pairs or value.items
    if attributes(value):
        return attributes(value)
    inner = value.args[0] if value.args else None
    if value.kind.endswith("OrderedDict") and isinstance(inner, list):  # of Python 2
        return {str(pair[0]): pair[1] for pair in inner if isinstance(pair, list | tuple) and len(pair) == 2}
    return inner if isinstance(inner, dict | list | tuple) else {}


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], Object)


def class_of(value: Any) -> str:
    """Return the class of a pickled object, without its module."""
    kind = value.kind if isinstance(value, Object | Name) else type(value).__name__
    return kind.rpartition(".")[2]
