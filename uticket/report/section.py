"""The records that the page is made of: sections of figures and tables, each with what it needs to be shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from matplotlib.figure import Figure

from uticket.base.files import Row
from uticket.report.tables import Tables


@dataclass(frozen=True)
class Chart:
    """A figure: how it is drawn, its caption, and the columns without which it is left out."""

    name: str  # of its file
    caption: str
    needs: Mapping[str, str]  # table -> columns, or patterns such as *_pj, separated by spaces
    plot: Callable[[Tables, Figure], None]

    def has_data(self, tables: Tables) -> bool:
        """Return whether every table that the figure needs has rows, and the columns."""
        for name, patterns in self.needs.items():
            rows = getattr(tables, name)
            if not rows or not all(columns(rows, pattern) for pattern in patterns.split()):
                return False
        return True


@dataclass(frozen=True)
class Listing:
    """Columns of a table, with a text above it; left out if there are no rows."""

    table: str
    columns: str  # or patterns such as *_pj, separated by spaces
    where: Mapping[str, str] = field(default_factory=dict)  # column -> value of the rows that are shown
    text: str = ""

    def has_data(self, tables: Tables) -> bool:
        """Return whether there are rows to show."""
        return bool(self.rows(tables))

    def rows(self, tables: Tables) -> list[Row]:
        """Return the rows and columns that are shown."""
        rows = [
            row
            for row in getattr(tables, self.table)
            if all(row.get(name) == value for name, value in self.where.items())
        ]
        names = columns(rows, self.columns)
        return [{name: row[name] for name in names} for row in rows]


@dataclass(frozen=True)
class Section:
    """A heading, a text and what follows; left out if nothing does."""

    heading: str
    parts: Sequence[Chart | Listing]
    text: str = ""


def columns(rows: Sequence[Row], patterns: str) -> list[str]:
    """Return the columns that fit one of the patterns, separated by spaces, in the order of the patterns."""
    names = list(rows[0]) if rows else []
    return list(dict.fromkeys(name for pattern in patterns.split() for name in names if fnmatchcase(name, pattern)))
