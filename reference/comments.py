"""What params.yaml says about each of its settings: the one place where their meaning is written."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ruamel.yaml import YAML

BESIDE = re.compile(r"\s#\s+(.*)$")  # a comment on the line of a setting


def meanings(text: str) -> dict[str, str]:
    """Return path -> its comment, such as `hw.pes`, "" for one without.

    The comment of a setting stands beside it and goes on below; that of a block stands above it, or beside it.
    """
    lines = text.splitlines()
    return {path: _beside(lines, *place) or _above(lines, *place) for path, place in _places(YAML().load(text))}


def _places(block: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, tuple[int, int]]]:
    """Return the path of each setting, and its line and column."""
    for name, value in block.items():
        yield f"{above}{name}", block.lc.key(name)  # type: ignore[attr-defined]  # ruamel's
        if isinstance(value, Mapping) and hasattr(value, "lc") and not value.fa.flow_style():  # type: ignore[attr-defined]
            yield from _places(value, f"{above}{name}.")


def _beside(lines: list[str], line: int, column: int) -> str:
    found = BESIDE.search(lines[line])
    parts = [found.group(1)] if found else []
    for below in lines[line + 1 :] if found else ():
        if not re.match(rf"\s{{{column + 1},}}#", below):
            break
        parts.append(below.strip("# "))
    return " ".join(parts)


def _above(lines: list[str], line: int, column: int) -> str:
    parts: list[str] = []
    for above in reversed(lines[:line]):
        if not above.startswith(" " * column + "#"):
            break
        parts.insert(0, above.strip("# "))
    return " ".join(parts)
