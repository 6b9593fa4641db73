"""Comparisons as tables of text: revisions, settings, values, differences."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from uticket.base.errors import shortened
from uticket.base.text import FRACTIONS, TextTable, cell, heading
from uticket.comparing.comparison import Comparison
from uticket.comparing.entries import Entry
from uticket.comparing.repository import Repository
from uticket.comparing.results import Results
from uticket.comparing.settings import Settings

LONGEST = 60  # characters of a subject, or of the values of a setting after the first one; the CSV has all
SHORTEST = 16  # of one value
Text = Callable[[Entry], str]


def revisions_table(repository: Repository, results: Sequence[Results]) -> TextTable:
    """Return the revisions: commit, date and subject; the workspace has none."""
    known = repository.described([found.revision for found in results])
    rows = []
    for found in results:
        commit, date, subject = known.get(found.revision.commit or "", ("", "", "the files of this folder"))
        rows.append([shortened(found.name), commit, date, shortened(subject, LONGEST)])
    headings = ["revision", "commit", "date", "subject"]
    return TextTable(headings, rows, len(headings))


def settings_table(settings: Settings, results: Sequence[Results]) -> TextTable:
    """Return the settings that differ: a row for each, a column for each revision."""
    most = max(SHORTEST, LONGEST // max(1, len(results) - 1))
    rows = [[key, *(shortened(text, most) for text in texts)] for key, texts in settings.values.items()]
    return TextTable(["setting", *(shortened(found.name) for found in results)], rows)


def values_table(comparison: Comparison) -> TextTable:
    """Return the numbers: a row for each key and revision; mean and standard deviation where there are seeds."""
    more: dict[str, Text] = {}
    if len({(*entry.key.values(), entry.ticket) for entry in comparison.entries}) > comparison.num_keys:
        more["ticket"] = lambda entry: shortened(entry.ticket)  # only where revisions have tickets of other names
    if comparison.has_seeds:
        more["seeds"] = lambda entry: str(entry.num_seeds)
    return _table(comparison.entries, more | {name: partial(_value, name) for name in comparison.columns})


def differences_table(comparison: Comparison) -> TextTable:
    """Return the differences to the first revision: points of fractions and percentages, percent of the other numbers.

    In brackets the ends of their confidence intervals, where there are seeds.
    """
    entries = [entry for entry in comparison.entries if entry.differences]
    return _table(entries, {name: partial(_difference, name) for name in comparison.columns})


def _table(entries: Sequence[Entry], columns: Mapping[str, Text]) -> TextTable:
    """Return a row for each entry: its keys, its revision, and the columns that are not empty in all rows."""
    keys = list(entries[0].key) if entries else []
    cells = {name: [text(entry) for entry in entries] for name, text in columns.items() if name not in keys}
    cells = {name: texts for name, texts in cells.items() if any(texts)}
    first = [[*map(shortened, entry.key.values()), shortened(entry.revision)] for entry in entries]
    rows = (
        [[*texts, *row] for texts, row in zip(first, zip(*cells.values(), strict=True), strict=True)]
        if cells
        else first
    )
    return TextTable([heading(name) for name in (*keys, "revision", *cells)], rows, len(keys) + 1)


def _value(name: str, entry: Entry) -> str:
    return cell(name, entry.numbers.get(name))


def _difference(name: str, entry: Entry) -> str:
    found = entry.differences.get(name)
    if found is None:
        return ""
    ends = ", ".join(_signed(name, end, found.base) for end in found.interval or ())
    return _signed(name, found.value, found.base) + (f" [{ends}]" if ends else "")


def _signed(name: str, number: float, base: float) -> str:
    """Return a difference in points or in percent of what it is a difference to; of 0 it is the number."""
    if not number:
        return "0"
    if name in FRACTIONS or name.startswith("utilization"):
        text = f"{100 * number:+.2f}"
    elif name.endswith("_pct"):
        text = f"{number:+.1f}"
    else:
        text = f"{100 * number / base:+.1f} %" if base else f"{number:+,.0f}"
    return text.replace("-", "\u2212")
