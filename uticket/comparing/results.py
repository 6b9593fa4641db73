"""What Git has of a revision's results: settings, tables of the report, and those of repetitions with other seeds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from uticket.base.errors import InputError, listed, shortened
from uticket.base.files import Row, parse_rows
from uticket.comparing.kinds import KINDS
from uticket.comparing.repository import Repository, Revision
from uticket.config.flat import flat
from uticket.config.params import parse_yaml
from uticket.config.paths import REPORT, SEEDS, ReportFiles, SeedFiles
from uticket.config.schema import NUMBER, Schema, number
from uticket.config.shared import DECIDE_NOTHING

PARAMS, LOCK, SHARED = "params.yaml", "dvc.lock", SEEDS.params.as_posix()
# what dvc.lock says of the params of the report; all of it would take seconds to parse
OF_REPORT = re.compile(r"^  report:\n(?: {4}.*\n)*? {4}params:\n {6}params\.yaml:\n((?: {8}.*\n)+)", re.MULTILINE)

Rows = Sequence[Row]


@dataclass(frozen=True)
class Results:
    """Results of a revision.

    params: dotted key -> text. tables: name -> seed -> rows; of one seed unless `uticket seeds` added some. notes: what
    is odd, a line for each.
    """

    revision: Revision
    params: Mapping[str, str]
    tables: Mapping[str, Mapping[int, Rows]]
    notes: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The revision's, as the user gave it."""
        return self.revision.name

    @classmethod
    def read(cls, repository: Repository, revision: Revision, kind: str) -> "Results":
        """Read what a kind of comparison (`uticket.comparing.kinds`) needs.

        Raises InputError if the revision has no such results, or naming the file if one is damaged.
        """
        names = KINDS[kind].files
        paths = [files.table(name).as_posix() for files in (REPORT, SEEDS) for name in names]
        texts = repository.texts(revision, [PARAMS, LOCK, SHARED, *paths])
        for path in (PARAMS, *(REPORT.table(name).as_posix() for name in names[:1])):
            if path not in texts:
                expected = f"{shortened(revision.name)}: expected results, with a file {path}"
                raise InputError(f"{expected}, got no such file; dvc repro writes them, and Git keeps them")
        where = "" if revision.commit is None else f"{revision.name}:"
        params = dict(flat(_yaml(where + PARAMS, texts[PARAMS])))
        notes = _stale(shortened(revision.name), params, _of_report(where + LOCK, texts.get(LOCK, "")))
        if SHARED in texts and (odd := _differing(params, _yaml(where + SHARED, texts[SHARED]))):
            left_out = f"{SEEDS.folder}/ is left out, since it is of other params"
            notes.append(f"{shortened(revision.name)}: {left_out}: {listed(odd)}")
            del texts[SHARED]
        sources: list[ReportFiles | SeedFiles] = [REPORT, SEEDS] if SHARED in texts else [REPORT]
        tables = {name: dict[int, Rows]() for name in names}
        for name, files in product(names, sources):  # a seed that both have counts once, as seeds/ has it
            if (path := files.table(name).as_posix()) in texts:
                rows = typed(Path(where + path), texts[path], name, has_seeds=files is SEEDS)
                tables[name] |= _by_seed(where + path, rows, params.get("seed", ""))
        return cls(revision, params, tables, notes)


@lru_cache(maxsize=64)  # many revisions have the same params, which take as long to parse as all else
def _parsed(text: str) -> Any:
    return parse_yaml("", text)


def _yaml(path: str, text: str) -> dict[str, Any]:
    """Return the blocks of YAML that was read from `path`. Raises InputError, naming it, if it is none."""
    try:
        found = _parsed(text)
    except InputError as error:
        raise InputError(f"{path}{error}") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected blocks of settings, got {type(found).__name__}")
    return found


def _of_report(path: str, lock: str) -> dict[str, Any]:
    """Return the blocks of settings with which the report was made, by the text of a dvc.lock."""
    found = OF_REPORT.search(lock)
    return _yaml(path, found[1]) if found else {}


def _stale(name: str, params: Mapping[str, str], blocks: Mapping[str, Any]) -> list[str]:
    """Say in a line if results were made with other params than those beside them. blocks: of the results."""
    odd = _differing(params, blocks)
    return [f"{name}: by its dvc.lock the results are of other params: {listed(odd)}; run dvc repro"] if odd else []


def _differing(params: Mapping[str, str], blocks: Mapping[str, Any]) -> list[str]:
    """Return the settings below some blocks that decide a number and differ. blocks: dotted key -> what is below it."""
    there = dict(flat(blocks))
    here = {key: text for key, text in params.items() if any(f"{key}.".startswith(f"{name}.") for name in blocks)}
    return sorted(key for key in {*here, *there} - DECIDE_NOTHING if here.get(key) != there.get(key))


def typed(path: Path, text: str, name: str, has_seeds: bool = False) -> list[Row]:
    """Return the rows of a table; keys are text, and the seed and the compared columns that are there are numbers.

    Other versions of the code have other columns, which are numbers if they look like it. Raises InputError, naming the
    file, if it is no table, lacks a key, has two rows of the same keys, text where a number belongs, or no rows in the
    table of rounds, which always has some.
    """
    rows, texts = parse_rows(path, text), KINDS[name].keys
    keys = ("seed", *texts) if has_seeds else texts
    numbers = tuple(column for column in KINDS[name].columns if rows and column in rows[0])
    schema = Schema(keys, texts, numbers, any_numbers=numbers, null="value", has_rows=name == "rounds")
    known = {*keys, *numbers}
    checked = schema.check(path, [{column: row[column] for column in row if column in known} for row in rows])
    guessed = [{column: _guessed(row[column]) for column in row if column not in known} for row in rows]
    return [{**sure, **others} for sure, others in zip(checked, guessed, strict=True)]


def _guessed(text: str) -> Any:
    return number(text) if NUMBER.fullmatch(text) else text or None


def _by_seed(path: str, rows: Rows, own: str) -> dict[int, Rows]:
    """Return rows that were read from `path` by their seed. own: that of rows that do not say it."""
    of_rest = int(own) if own.isdecimal() else 0
    found = dict[int, list[Row]]()
    for row in rows:
        seed = row.get("seed", of_rest)
        if not isinstance(seed, int):
            raise InputError(f"{path}: column seed: expected whole numbers, got {seed}")
        found.setdefault(seed, []).append({key: row[key] for key in row if key != "seed"})
    return {**found}
