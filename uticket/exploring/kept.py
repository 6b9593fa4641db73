"""The results of all points so far, in a file of JSON lines, so that no point is computed twice."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from uticket.base.errors import InputError, one_line
from uticket.base.files import MOST_BYTES_OF_TABLE, read_text
from uticket.base.text import in_json

Results = dict[str, Any]
WHAT = "results of uticket explore"


class Kept:
    """Results of points by their keys (`uticket.exploring.keys`).

    path: a line of JSON for each point; None: in memory only. Each line is added by one write, so that several runs may
    share a file; a line that a killed run left torn is ignored. Raises InputError, naming the file, if it cannot be
    read or written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        text = read_text(path, WHAT, MOST_BYTES_OF_TABLE) if path is not None and os.path.lexists(path) else ""
        self._results = dict(_parsed(text))
        self._begin = "" if text.endswith("\n") or not text else "\n"  # of a line, if the last one was torn

    def __contains__(self, key: str) -> bool:
        return key in self._results

    def __getitem__(self, key: str) -> Results:
        return self._results[key]

    def add(self, key: str, results: Results) -> None:
        """Keep the results of a point; inf is written as text, since JSON has no such number."""
        self._results[key] = results
        if self._path is None:
            return
        line = json.dumps({"key": key, "results": {name: in_json(value) for name, value in results.items()}})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as file:
                content = f"{self._begin}{line}\n".encode()
                if file.write(content) < len(content):
                    raise OSError("a full disk")
            self._begin = ""
        except OSError as error:
            raise InputError(f"{self._path}: expected a place to write to, got: {one_line(error)}") from None


def _parsed(text: str) -> Iterator[tuple[str, Results]]:
    for line in text.split("\n"):
        with suppress(ValueError, TypeError, KeyError, AttributeError):  # torn
            found = json.loads(line)
            results = {name: float(value) if value == "inf" else value for name, value in found["results"].items()}
            yield str(found["key"]), results
