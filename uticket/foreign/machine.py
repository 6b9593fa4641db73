"""The steps of a pickle, of any protocol, each of which only moves values about.

Source: the opcodes of `pickletools` (Python 3.8 on); what pickle.Unpickler does is described there.
"""

from collections.abc import Callable
from typing import Any

from uticket.foreign.inert import PERSISTENT, Name, Object

MOST_STEPS = 4_000_000  # some 10 seconds and 1 GB; a checkpoint takes about 40 for each tensor


class Machine:
    """The state of a pickle while it is read: its stack, the marks in it, and what it keeps for later by number."""

    def __init__(self, outside: list[Object]) -> None:
        self.outside = outside
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def above_mark(self) -> list[Any]:
        """Take what lies above the last mark."""
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def take(self, count: int) -> list[Any]:
        """Take the last values of the stack."""
        if count > len(self.stack):
            raise ValueError("a pickle that takes more than it has")
        values = self.stack[-count:]
        del self.stack[-count:]
        return values

    def call(self, function: Any, args: Any) -> None:
        """Note a call, of which nothing happens."""
        if not isinstance(args, tuple):
            raise ValueError("a pickle with a call without a tuple of arguments")
        made = _kind(function)
        if made in MAKERS and args:
            made, args = _kind(args[0]), args[1:]
        self.stack.append(Object(made, args))

    def extend(self, values: list[Any]) -> None:
        """Append values to the container on the stack."""
        target = self.stack[-1]
        held = target.items if isinstance(target, Object) else target
        if not isinstance(held, list):
            raise ValueError("a pickle that appends to what is no list")
        held.extend(values)

    def update(self, values: list[Any]) -> None:
        """Set pairs of key and value in the container on the stack."""
        target = self.stack[-1]
        held = target.pairs if isinstance(target, Object) else target
        if not isinstance(held, dict):
            raise ValueError("a pickle that sets keys of what is no dict")
        held.update(_pairs(values))

    def keep(self, number: int) -> None:
        """Keep the last value under a number."""
        if not 0 <= number < MOST_STEPS:
            raise ValueError("a pickle that keeps values under odd numbers")
        self.memo[number] = self.stack[-1]

    def build(self, state: Any) -> None:
        """Note the state of the object on the stack."""
        if not isinstance(self.stack[-1], Object):
            raise ValueError("a pickle that sets the state of what is no object")
        self.stack[-1].state = state

    def refer(self, identity: Any) -> None:
        """Note a reference to what is kept outside of the pickle."""
        if isinstance(identity, tuple) and identity[:1] == ("module",) and len(identity) > 1:
            self.stack.append(identity[1])  # a class with its source beside it, in old files of PyTorch
            return
        self.outside.append(Object(PERSISTENT, (identity,)))
        self.stack.append(self.outside[-1])

    def pop(self) -> None:
        """Drop the last value, or the mark above it."""
        if self.marks and self.marks[-1] >= len(self.stack):
            self.marks.pop()
        else:
            self.take(1)


# Functions by which pickles make an instance of their first argument (`object.__reduce_ex__`).
MAKERS = ("copyreg._reconstructor", "copy_reg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__")


def _kind(function: Any) -> str:
    return function.kind if isinstance(function, Name | Object) else type(function).__name__


def _key(value: Any) -> Any:
    """Return a key whose hash takes no time: nested tuples overflow the stack, and large numbers can be made alike."""
    if isinstance(value, str) or (isinstance(value, int) and abs(value) < 2**31):
        return value
    return repr(value) if isinstance(value, float | bytes | None) else f"{_kind(value)} {id(value)}"


def _pairs(values: list[Any]) -> dict[Any, Any]:
    return {_key(key): value for key, value in zip(values[::2], values[1::2], strict=True)}


def _name(module: Any, name: Any) -> Name:
    if not (isinstance(module, str) and isinstance(name, str)):
        raise ValueError("a pickle that names a class by what is no text")
    return Name(f"{module}.{name}")


def _inst(machine: Machine, name: str) -> None:
    machine.call(_name(*name.split(" ")), tuple(machine.above_mark()))


def _obj(machine: Machine, _: Any) -> None:
    made, *args = machine.above_mark()
    machine.call(made, tuple(args))


def _call(machine: Machine, count: int) -> None:
    function, args = machine.take(count)[:2]  # arguments by name come last: nothing that is read has any
    machine.call(function, args)


Step = Callable[[Machine, Any], None]
LITERALS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}  # decoded already
LITERALS |= {"STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
LITERALS |= {"UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
STEPS: dict[str, Step] = {
    "NONE": lambda m, _: m.stack.append(None),
    "NEWTRUE": lambda m, _: m.stack.append(True),
    "NEWFALSE": lambda m, _: m.stack.append(False),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_TUPLE": lambda m, _: m.stack.append(()),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "EMPTY_SET": lambda m, _: m.stack.append(Object("builtins.set")),
    "MARK": lambda m, _: m.marks.append(len(m.stack)),
    "LIST": lambda m, _: m.stack.append(m.above_mark()),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.above_mark())),
    "TUPLE1": lambda m, _: m.stack.append(tuple(m.take(1))),
    "TUPLE2": lambda m, _: m.stack.append(tuple(m.take(2))),
    "TUPLE3": lambda m, _: m.stack.append(tuple(m.take(3))),
    "DICT": lambda m, _: m.stack.append(_pairs(m.above_mark())),
    "FROZENSET": lambda m, _: m.stack.append(Object("builtins.frozenset", items=m.above_mark())),
    "APPEND": lambda m, _: m.extend(m.take(1)),
    "APPENDS": lambda m, _: m.extend(m.above_mark()),
    "ADDITEMS": lambda m, _: m.extend(m.above_mark()),
    "SETITEM": lambda m, _: m.update(m.take(2)),
    "SETITEMS": lambda m, _: m.update(m.above_mark()),
    "GET": lambda m, number: m.stack.append(m.memo[number]),
    "BINGET": lambda m, number: m.stack.append(m.memo[number]),
    "LONG_BINGET": lambda m, number: m.stack.append(m.memo[number]),
    "PUT": lambda m, number: m.keep(number),
    "BINPUT": lambda m, number: m.keep(number),
    "LONG_BINPUT": lambda m, number: m.keep(number),
    "MEMOIZE": lambda m, _: m.keep(len(m.memo)),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "POP": lambda m, _: m.pop(),
    "POP_MARK": lambda m, _: m.above_mark().clear(),
    "GLOBAL": lambda m, name: m.stack.append(_name(*name.split(" "))),
    "STACK_GLOBAL": lambda m, _: m.stack.append(_name(*m.take(2))),
    "EXT1": lambda m, code: m.stack.append(Name(f"extension {code}")),
    "EXT2": lambda m, code: m.stack.append(Name(f"extension {code}")),
    "EXT4": lambda m, code: m.stack.append(Name(f"extension {code}")),
    "INST": _inst,
    "OBJ": _obj,
    "REDUCE": lambda m, _: _call(m, 2),
    "NEWOBJ": lambda m, _: _call(m, 2),
    "NEWOBJ_EX": lambda m, _: _call(m, 3),
    "BUILD": lambda m, _: m.build(m.take(1)[0]),
    "PERSID": lambda m, text: m.refer(text),
    "BINPERSID": lambda m, _: m.refer(m.take(1)[0]),
    "READONLY_BUFFER": lambda m, _: None,
    "PROTO": lambda m, _: None,
    "FRAME": lambda m, _: None,
    "STOP": lambda m, _: None,
}
