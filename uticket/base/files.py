"""Files that stages pass to each other: JSON and CSV here, arrays in `uticket.base.arrays`.

A file appears whole or not at all: it is written beside the target and then put in its place.
"""

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from uticket.base.errors import InputError, one_line

Row = Mapping[str, Any]


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
        for file in sorted(path for path in part.rglob("*") if path.is_file()):
            target = folder / file.relative_to(part)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
    except OSError as error:
        raise InputError(f"{folder}: expected a place to write to, got: {one_line(error)}") from None
    except InputError as error:
        raise InputError(str(error).replace(str(part), str(folder))) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


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


def write_text(path: Path, text: str) -> None:
    """Write a text file, UTF-8 with line feeds on any machine."""
    write_bytes(path, text.encode())


def write_json(path: Path, values: Any) -> None:
    """Write a JSON file."""
    write_text(path, json.dumps(values, indent=1) + "\n")


def read_json(path: Path, what: str = "JSON that an earlier stage wrote") -> Any:
    """Read a JSON file. what: named in the InputError, with the file, if it is missing or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: expected {what}, got no file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected {what}, got: {one_line(error)}") from None


def write_rows(path: Path, rows: Sequence[Row], header: Sequence[str] = ()) -> None:
    """Write rows as CSV, each number as it is; None is an empty cell. header: the columns of a table without rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0] if rows else header), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV file as text. Raises InputError, naming it, if it is missing or not text."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise InputError(f"{path}: expected a table, got no file; run the stage that writes it") from None
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: expected a table, got: {one_line(error)}; run the stage that writes it") from None


def is_folder(path: Path) -> bool:
    """Return whether there is a folder; unlike Path.is_dir it never raises."""
    return os.path.isdir(path)  # noqa: PTH112


def is_file(path: Path) -> bool:
    """Return whether there is a file; unlike Path.is_file it never raises."""
    return os.path.isfile(path)  # noqa: PTH113
