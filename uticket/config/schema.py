"""What a table that stages hand to each other may hold, checked when it is read.

Code of our own: pandera, made for this, needs pandas, which takes longer to import (0.3 s) than all tables to read.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uticket.base.errors import InputError, listed, shortened
from uticket.base.files import RERUN, Row, read_rows
from uticket.config.columns import documented

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?(e[+-]?\d+)?|inf|nan)", re.ASCII | re.IGNORECASE)
MOST_DIGITS = 18  # of a whole number; a longer one is read as a float


def number(text: str) -> int | float:
    """Return the number that a cell holds, which matches NUMBER."""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else float(text)


@dataclass(frozen=True)
class Schema:
    """The columns of a table: those of `keys`, `texts` and `numbers` are in it, those of `maybe_texts` may be.

    Other columns may be in it too; they hold finite numbers or nothing.
    """

    keys: tuple[str, ...]  # texts or numbers, which together differ from row to row
    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()  # finite
    any_numbers: tuple[str, ...] = ()  # of the keys and numbers, those that may be infinite or NaN
    maybe_texts: tuple[str, ...] = ()  # may be missing or empty, which is read as None
    null: str = ""  # the text column whose empty cells stand for null
    paired: tuple[str, ...] = ()  # endings of names: what has a column with one ending has one with each
    has_rows: bool = True  # False: a table without rows, and then only with the columns of `keys`, will do

    def __post_init__(self) -> None:
        """Raise ValueError if a column has no meaning and unit (`uticket.config.columns`)."""
        for name in (*self.columns, *self.maybe_texts):
            documented(name)

    def read(self, path: Path) -> list[Row]:
        """Read a table, numbers as numbers, and empty cells of columns that are not in the schema as None.

        Raises InputError, naming the file, column and row, if it is missing or differs from the schema.
        """
        rows = read_rows(path)
        try:
            return self.check(path, rows)
        except InputError as error:
            raise InputError(f"{error}; {RERUN}") from None

    def check(self, path: Path, rows: Sequence[Mapping[str, str]]) -> list[Row]:
        """Return rows of text that were read from `path` as `read` does, with the same errors."""
        if not rows and self.has_rows:
            raise InputError(f"{path}: expected rows, got none")
        self._check_columns(path, list(rows[0]) if rows else list(self.columns))
        found = [self._row(f"{path}: row {number}", row) for number, row in enumerate(rows, 1)]
        self._check_keys(path, found)
        return found

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there."""
        return tuple(dict.fromkeys((*self.keys, *self.numbers, *self.texts)))

    def _check_columns(self, path: Path, names: Sequence[str]) -> None:
        expected = list(self.columns)
        paired = [name.removesuffix(ending) for ending in self.paired for name in names if name.endswith(ending)]
        expected += [name + ending for name in dict.fromkeys(paired) for ending in self.paired]
        missing = [name for name in expected if name not in names]
        if missing:
            odd = [name for name in names if name not in expected] or names
            raise InputError(f"{path}: expected the column {missing[0]}, got {listed(odd)}")

    def _row(self, where: str, cells: Mapping[str, str]) -> Row:
        return {name: self._value(f"{where}: column {shortened(name)}", name, text) for name, text in cells.items()}

    def _value(self, where: str, name: str, text: str) -> Any:
        if not text and name == self.null:
            return "null"
        if name in self.maybe_texts or (not text and name not in self.columns):
            return text or None
        if name in self.texts:
            if not text:
                raise InputError(f"{where}: expected text, got an empty cell")
            return text
        if not NUMBER.fullmatch(text):
            got = repr(shortened(text)) if text else "an empty cell"
            raise InputError(f"{where}: expected a number, got {got}")
        value = number(text)
        if not math.isfinite(value) and name not in self.any_numbers:
            raise InputError(f"{where}: expected a finite number, got {shortened(text)}")
        return value

    def _check_keys(self, path: Path, rows: Sequence[Row]) -> None:
        seen = dict[tuple[Any, ...], int]()
        for number, row in enumerate(rows, 1):
            key = tuple(row[name] for name in self.keys)
            first = seen.setdefault(key, number)
            if first != number:
                named = ", ".join(f"{name} {shortened(str(value))}" for name, value in zip(self.keys, key, strict=True))
                raise InputError(f"{path}: row {number}: expected one row of {named}, got another in row {first}")
