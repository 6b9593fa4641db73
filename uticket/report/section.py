"""The records that the page is made of: sections of figures and tables, each with what it needs to be shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from matplotlib.figure import Figure

from uticket.base.files import Row
from uticket.report.run import Run
from uticket.report.tables import Tables

MOST_ROWS = 12  # of a table that is open at first
Sentence = Callable[[Tables, Run], str]


@dataclass(frozen=True)
class Chart:
    """A figure: how it is drawn, its caption, and the columns without which it is left out."""

    name: str  # of its file
    caption: str
    needs: Mapping[str, str]  # table -> columns, or patterns such as *_pj, separated by spaces
    plot: Callable[[Tables, Figure], None]
    bands: str = ""  # what its bands are in a run of one seed

    def caption_of(self, run: Run) -> str:
        """Return the caption, and what the bands and error bars are."""
        if not run.seeds:
            bands = self.bands
        elif "training" in self.needs:
            bands = f"Of seed {run.seed} only."
        else:
            bands = f"Means over {len(run.seeds)} seeds; bands and error bars: ± one standard deviation over seeds."
        return f"{self.caption} {bands}".rstrip()

    def has_data(self, tables: Tables) -> bool:
        """Return whether every table that the figure needs has rows, and the columns."""
        for name, patterns in self.needs.items():
            rows = getattr(tables, name)
            if not rows or not all(columns(rows, pattern) for pattern in patterns.split()):
                return False
        return True


@dataclass(frozen=True)
class Listing:
    """Columns of a table, those that matter first, below a title; left out if there are no rows."""

    title: str
    table: str | Callable[[Tables], Sequence[Row]]  # or what makes rows of tables
    columns: str = "*"  # or patterns such as *_pj, separated by spaces
    where: Mapping[str, str] = field(default_factory=dict)  # column -> value of the rows that are shown
    text: str = ""
    detail: bool = False  # closed at first, however short

    def has_data(self, tables: Tables) -> bool:
        """Return whether there are rows to show."""
        return bool(self.rows(tables))

    def is_open(self, tables: Tables) -> bool:
        """Return whether the table is open when the page is."""
        return not self.detail and len(self.rows(tables)) <= MOST_ROWS

    def rows(self, tables: Tables) -> list[Row]:
        """Return the rows and columns that are shown."""
        source = getattr(tables, self.table) if isinstance(self.table, str) else self.table(tables)
        rows = [row for row in source if all(row.get(name) == value for name, value in self.where.items())]
        names = columns(rows, self.columns)
        return [{name: row[name] for name in names} for row in rows]


@dataclass(frozen=True)
class Section:
    """A question, the answer from the data, what the paper has, and figures and tables; left out without those."""

    name: str  # its place on the page
    heading: str
    parts: Sequence[Chart | Listing]
    answer: Sentence
    paper: Sentence | None = None
    text: str = ""  # what the words and the numbers mean


def columns(rows: Sequence[Row], patterns: str) -> list[str]:
    """Return the columns that fit one of the patterns, separated by spaces, in the order of the patterns."""
    names = list(rows[0]) if rows else []
    return list(dict.fromkeys(name for pattern in patterns.split() for name in names if fnmatchcase(name, pattern)))
