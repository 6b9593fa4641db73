"""Pickles that would do harm, of every protocol and by every step that can call, and the canary that shows it."""

import pickle
import pickletools
import struct
from collections.abc import Callable, Iterator
from typing import Any

CANARY: list[str] = []  # gets a word whenever something of a hostile file runs


def harm(*_: Any, **__: Any) -> list[Any]:
    """Stand for os.system: what a hostile pickle calls."""
    CANARY.append("called")
    return []


class Harmful:
    """A class all of whose doors are watched."""

    def __new__(cls, *_: Any, **__: Any) -> "Harmful":
        CANARY.append("made")
        return super().__new__(cls)

    def __setstate__(self, _: Any) -> None:
        CANARY.append("set")

    def append(self, _: Any) -> None:
        """Be appended to."""
        CANARY.append("appended")

    def extend(self, _: Any) -> None:
        """Be extended."""
        CANARY.append("extended")

    def __setitem__(self, *_: Any) -> None:
        CANARY.append("item set")

    def add(self, _: Any) -> None:
        """Be added to."""
        CANARY.append("added")

    def __hash__(self) -> int:
        CANARY.append("hashed")
        return 0

    def __eq__(self, _: object) -> bool:
        CANARY.append("compared")
        return True


EXTENSION = 0xC0FFEE  # codes of copyreg for `harm` and `Harmful`, registered in the test
EXTENSION_CLASS = 0xC0FFEF


def text(value: str) -> bytes:
    """Push a text."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def global_(name: str, module: str = __name__) -> bytes:
    """Push a function or class by GLOBAL."""
    return f"c{module}\n{name}\n".encode()


def stack_global(name: str, module: str = __name__) -> bytes:
    """Push it by STACK_GLOBAL."""
    return text(module) + text(name) + b"\x93"


# How a pickle gets at a function: in words, the steps for `harm`, and those for `Harmful`.
NAMED: dict[str, tuple[bytes, bytes]] = {
    "global": (global_("harm"), global_("Harmful")),
    "stack_global": (stack_global("harm"), stack_global("Harmful")),
    "getattr": (
        global_("getattr", "builtins") + b"(" + global_("CANARY") + text("append") + b"tR",
        stack_global("getattr", "builtins") + b"(" + global_("Harmful") + text("__class__") + b"tR",
    ),
    "extension": (
        b"\x84" + struct.pack("<I", EXTENSION),
        b"\x84" + struct.pack("<I", EXTENSION_CLASS),
    ),
    "memo": (global_("harm") + b"q\x00" + b"0" + b"h\x00", global_("Harmful") + b"p5\n" + b"0" + b"g5\n"),
    "import": (
        global_("__import__", "builtins") + b"(" + text(__name__) + b"tR0" + global_("harm"),
        global_("eval", "builtins")
        + b"("
        + text(f"__import__('{__name__}').CANARY.append('evaluated')")
        + b"tR0"
        + global_("Harmful"),
    ),
}

# Steps that call a function (f) or make an instance of a class (c), and what they leave on the stack.
CALLS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "reduce": lambda f, c: f + b"(" + text("x") + b"tR",
    "reduce_empty": lambda f, c: f + b")R",
    "reduce_class": lambda f, c: c + b")R",
    "newobj": lambda f, c: c + b")\x81",
    "newobj_ex": lambda f, c: c + b")}\x92",
    "obj": lambda f, c: b"(" + f + b"o",
    "obj_class": lambda f, c: b"(" + c + text("x") + b"o",
    "build": lambda f, c: c + b")\x81}" + text("a") + b"K\x01sb",
    "build_slots": lambda f, c: c + b")\x81}N\x86b",
    "append": lambda f, c: c + b")\x81K\x01a",
    "appends": lambda f, c: c + b")\x81(K\x01K\x02e",
    "setitem": lambda f, c: c + b")\x81K\x01K\x02s",
    "setitems": lambda f, c: c + b")\x81(K\x01K\x02u",
    "additems": lambda f, c: c + b")\x81(K\x01K\x02\x90",
    "key": lambda f, c: b"}" + c + b")\x81K\x01s",
    "frozenset": lambda f, c: b"(" + c + b")\x81" + c + b")\x81\x91",
    "set": lambda f, c: b"\x8f(" + c + b")\x81" + c + b")\x81\x90",
    "reconstructor": lambda f, c: (
        global_("_reconstructor", "copyreg") + b"(" + c + global_("object", "builtins") + b"NtR"
    ),
    "apply": lambda f, c: global_("map", "builtins") + b"(" + f + b"](K\x01etR" + b"\x85",
    "partial": lambda f, c: global_("partial", "functools") + b"(" + f + b"tR)R",
    "numpy": lambda f, c: global_("_reconstruct", "numpy._core.multiarray") + b"(" + c + b"K\x00\x85C\x01btR",
    "torch": lambda f, c: global_("_rebuild_from_type_v2", "torch._tensor") + b"(" + f + c + b")}tR",
    "parameter": lambda f, c: global_("_rebuild_parameter", "torch._utils") + b"(" + f + b")R\x88" + c + b")\x81tR",
    "ordered": lambda f, c: global_("OrderedDict", "collections") + b")R" + text("a") + f + b")Rs",
    "persistent": lambda f, c: b"(" + text("storage") + f + b")R" + text("0") + text("cpu") + b"K\x04tQ",
}


def hostile_pickles() -> Iterator[tuple[str, bytes]]:
    """Yield pickles by name; Python's own unpickler runs most of them."""
    for way, (function, made) in NAMED.items():
        for call, steps in CALLS.items():
            for protocol in (2, 4, 5):
                content = b"\x80" + bytes([protocol]) + b"}" + text("w") + steps(function, made) + b"s."
                yield f"{way}-{call}-{protocol}", content
    for protocol in (0, 1):  # of text, without a header
        yield f"inst-{protocol}", f"(S'x'\ni{__name__}\nharm\n.".encode()
        yield f"inst_class-{protocol}", f"(i{__name__}\nHarmful\n.".encode()
        yield f"global-{protocol}", f"c{__name__}\nharm\n(S'x'\ntR.".encode()
        yield f"list-{protocol}", f"(lp0\nc{__name__}\nharm\n(tRa.".encode()
    for code, size in ((b"\x82", 1), (b"\x83", 2)):
        for last in (b")R", b")\x81"):
            yield f"ext{size}{last!r}", b"\x80\x02" + code + (EXTENSION % 251).to_bytes(size, "little") + last + b"."
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield f"reduce_ex-{protocol}", pickle.dumps({"w": _Reduced()}, protocol)


class _Reduced:
    def __reduce__(self) -> tuple[Any, ...]:
        return harm, ("x",)


def steps_of(content: bytes) -> set[str]:
    """The names of the steps of a pickle."""
    return {opcode.name for opcode, _, _ in pickletools.genops(content)}
