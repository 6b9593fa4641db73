"""One table of the report at several revisions, row by row, with differences to the first revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from uticket.base.errors import InputError, listed
from uticket.base.files import Row
from uticket.base.spread import Mean
from uticket.comparing.entries import Entry, difference, entries_of
from uticket.comparing.kinds import KINDS
from uticket.comparing.results import Results


@dataclass(frozen=True)
class Comparison:
    """A table at several revisions. entries: those of the same key are beside each other, in the order of revisions."""

    kind: str
    revisions: Sequence[str]
    columns: Sequence[str]
    entries: Sequence[Entry]
    left_out: Sequence[str] = ()  # columns that one revision alone has

    @property
    def has_seeds(self) -> bool:
        """Return whether a revision has several seeds."""
        return any(entry.num_seeds > 1 for entry in self.entries)

    def records(self) -> list[Row]:
        """Return tidy rows."""
        return [entry.record(self.columns, self.has_seeds) for entry in self.entries]

    @property
    def num_keys(self) -> int:
        """Rows of the table, whatever the revision."""
        return len(self._groups())

    def different(self) -> "Comparison":
        """Leave out the keys that every revision has, with the same numbers."""
        kept = [group for group in self._groups() if not self._same(group)]
        return replace(self, entries=[entry for group in kept for entry in group])

    def _groups(self) -> list[list[Entry]]:
        """Return the entries of each key."""
        groups = dict[tuple[str, ...], list[Entry]]()
        for entry in self.entries:
            groups.setdefault(tuple(entry.key.values()), []).append(entry)
        return list(groups.values())

    def _same(self, group: Sequence[Entry]) -> bool:
        numbers = [[_by_seed(entry.numbers.get(name)) for name in self.columns] for entry in group]
        return len(group) == len(self.revisions) and all(found == numbers[0] for found in numbers)


def compare(
    results: Sequence[Results], kind: str, methods: Sequence[str] = (), every_column: bool = False
) -> Comparison:
    """Compare a table at several revisions.

    methods: those to compare, all of them if empty. every_column: not only those of `uticket.comparing.kinds`. Columns
    are those that at least two revisions have. Raises InputError if no revision has one of the methods.
    """
    tables = [entries_of(found, kind) for found in results]
    known = dict.fromkeys(str(entry.key["method"]) for table in tables for entry in table.values())
    if unknown := [name for name in methods if name not in known]:
        raise InputError(f"--methods: expected some of {listed(known, most=20)}, got {listed(unknown)}")
    owners = [dict.fromkeys(name for entry in table.values() for name in entry.numbers) for table in tables]
    every = dict.fromkeys(name for names in owners for name in names)
    times = {name: sum(name in names for names in owners) for name in (every if every_column else KINDS[kind].columns)}
    columns = [name for name, number in times.items() if number > 1]
    entries = [
        with_differences(table[key], tables[0].get(key), columns)
        for key in dict.fromkeys(key for table in tables for key in table)
        for table in tables
        if key in table and (not methods or table[key].key["method"] in methods)
    ]
    alone = [name for name, number in times.items() if number == 1]
    return Comparison(kind, [found.name for found in results], columns, entries, alone)


def with_differences(entry: Entry, first: Entry | None, columns: Sequence[str]) -> Entry:
    """Add the differences to the same row of the first revision, which has none itself."""
    if first is None or first is entry:
        return entry
    both = [name for name in columns if name in entry.numbers and name in first.numbers]
    return replace(entry, differences={name: difference(entry.numbers[name], first.numbers[name]) for name in both})


def _by_seed(number: Mean | None) -> Mapping[int, float]:
    return number.samples if number is not None else {}
