"""Files that stages pass to each other: JSON and CSV here, arrays in `uticket.base.arrays`.

A file appears whole or not at all: it is written beside the target and then put in its place.
"""

import csv
import io
import json
import os
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from uticket.base.errors import InputError, one_line, shortened

Row = Mapping[str, Any]

# Larger files are not read: those of 30,000 layers are smaller.
MOST_BYTES = 2**24  # of JSON and YAML, which take some ten times as much in memory
MOST_BYTES_OF_TABLE = 2**28
RERUN = "run the stage that writes it"


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write a file beside `path`, and put it in its place; its folder is made if needed.

    Raises InputError, naming the file, if that cannot be done; `path` is then unchanged.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        _flush(part)
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path}: expected a place to write to, got: {one_line(error)}") from None
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def written_together(folder: Path) -> Iterator[Path]:
    """Let the body write files into a folder beside `folder`; they get there once all of them are whole.

    Raises InputError, naming the folder, if that cannot be done; what `folder` held before is then unchanged.
    """
    whole = folder.resolve()
    part = whole.with_name(f".{whole.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
        yield part
        try:
            _put_in_place(part, folder)
        except (KeyboardInterrupt, SystemExit):
            _put_in_place(part, folder)  # the rest: a signal leaves all old files or all new ones
            raise
    except OSError as error:
        raise InputError(f"{folder}: expected a place to write to, got: {one_line(error)}") from None
    except InputError as error:
        raise InputError(str(error).replace(str(part), str(folder))) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _put_in_place(part: Path, folder: Path) -> None:
    for file in sorted(path for path in part.rglob("*") if path.is_file()):
        target = folder / file.relative_to(part)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)


def _flush(path: Path) -> None:
    """Have the content of a file on the disk before its name points to it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file."""
    replace_file(path, lambda part: part.write_bytes(content))


def write_stream(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` write a file piece by piece."""

    def into(part: Path) -> None:
        with part.open("wb") as file:
            write(file)

    replace_file(path, into)


def write_text(path: Path, text: str) -> None:
    """Write a text file, UTF-8 with line feeds on any machine."""
    write_bytes(path, text.encode())


def write_json(path: Path, values: Any) -> None:
    """Write a JSON file."""
    write_text(path, json.dumps(values, indent=1) + "\n")


def look(path: Path, what: str = "a file") -> int:
    """Return the size in bytes of a regular file, which is not opened.

    Raises InputError, naming the file and `what` was expected, if it is missing or another thing: a folder, or a pipe
    that would wait for ever.
    """
    try:
        found = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        raise InputError(f"{path}: expected {what}, got no file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected {what}, got: {one_line(error)}") from None
    if not stat.S_ISREG(found.st_mode):
        got = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, device or socket"
        raise InputError(f"{path}: expected {what}, got {got}")
    return found.st_size


def read_text(path: Path, what: str = "a text file", most: int = MOST_BYTES) -> str:
    """Read a text file in UTF-8 as it is. most: bytes.

    Raises InputError, naming the file and `what` was expected, if it is missing, no regular file, larger or no text.
    """
    size = look(path, what)
    if size > most:
        raise InputError(f"{path}: expected {what} of at most {most:,} bytes, got {size:,}")
    try:
        return path.read_bytes().decode()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected {what}, got: {one_line(error)}") from None


def read_json(path: Path, what: str = "JSON that an earlier stage wrote") -> Any:
    """Read a JSON file. what: named in the InputError, with the file, if it is missing, no JSON or has doubled keys."""
    return parse_json(path, read_text(path, what), what)


def parse_json(path: Path, text: str, what: str) -> Any:
    """Return the values of JSON that was read from `path`. Errors as in `read_json`."""
    try:
        return json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected {what}, got: {one_line(error)}") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the values by key; of a doubled key, JSON would keep the last value without a word."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError(f"the key {_first_doubled(name for name, _ in pairs)!r} twice")
    return values


def _first_doubled(names: Iterable[str]) -> str:
    return next(name for name, times in Counter(names).items() if times > 1)


def write_rows(path: Path, rows: Sequence[Row], header: Sequence[str] = ()) -> None:
    """Write rows as CSV. header: the columns of a table without rows."""
    write_text(path, csv_text(rows, header))


def csv_text(rows: Sequence[Row], header: Sequence[str] = ()) -> str:
    """Return rows as CSV, each number as it is; None is an empty cell. header: the columns of a table without rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0] if rows else header), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV file as text, each with all columns.

    Raises InputError, naming the file, if it is missing, no text, without columns or with two of one name, or if a row
    has more or fewer cells than there are columns.
    """
    try:
        return parse_rows(path, read_text(path, "a table", MOST_BYTES_OF_TABLE))
    except InputError as error:
        raise InputError(f"{error}; {RERUN}") from None


def parse_rows(path: Path, text: str) -> list[dict[str, str]]:
    """Return the rows of CSV that was read from `path`. Errors as in `read_rows`."""
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        names = next(lines, [])
        if not names:
            raise InputError(f"{path}: expected a table, got no columns")
        if len(set(names)) < len(names):
            raise InputError(f"{path}: expected different columns, got {shortened(_first_doubled(names))!r} twice")
        rows = []
        for number, cells in enumerate(lines, 1):
            if len(cells) != len(names):
                raise InputError(f"{path}: row {number}: expected {len(names)} cells, got {len(cells)}")
            rows.append(dict(zip(names, cells, strict=True)))
    except csv.Error as error:
        raise InputError(f"{path}: expected a table, got: {one_line(error)}") from None
    return rows


def is_folder(path: Path) -> bool:
    """Return whether there is a folder; unlike Path.is_dir it never raises."""
    return os.path.isdir(path)  # noqa: PTH112


def is_file(path: Path) -> bool:
    """Return whether there is a file; unlike Path.is_file it never raises."""
    return os.path.isfile(path)  # noqa: PTH113
