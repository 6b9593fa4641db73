"""Audit and simulate tickets over a grid of settings of the array, or a search for the best ones."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from uticket.base.errors import InputError
from uticket.base.progress import bar, log
from uticket.config.space import Point, Space
from uticket.config.tables import MODELS
from uticket.exploring.kept import Kept
from uticket.exploring.keys import digest_of, key_of
from uticket.exploring.pareto import on_front
from uticket.exploring.point import OBJECTIVES
from uticket.exploring.search import search as search_points
from uticket.exploring.workers import Run, workers
from uticket.hardware.chip import DEFAULT_CHIP, Chip
from uticket.project.version import installed_version
from uticket.ticket.ticket import Ticket

if TYPE_CHECKING:
    import pandas as pd

POINTS_OF_A_LINE = 1000  # in the log
MOST_POINTS = 100_000  # of a ticket: their rows are held in memory
Row = dict[str, Any]


@dataclass(frozen=True)
class Explored:
    """What tickets cost at many settings of the array: a row for each ticket and setting, by column.

    Columns: ticket; the settings that the space names, such as hw.pes; pareto, 1 on the Pareto front of the ticket,
    else 0; those of `uticket.exploring.point`.
    """

    rows: tuple[Row, ...]

    @property
    def front(self) -> list[Row]:
        """The rows on the Pareto fronts of the tickets, fastest first."""
        tickets = list(dict.fromkeys(row["ticket"] for row in self.rows))
        best = (row for row in self.rows if row["pareto"])
        return sorted(best, key=lambda row: (tickets.index(row["ticket"]), *(row[name] for name in OBJECTIVES)))

    def frame(self) -> "pd.DataFrame":
        """Return the rows."""
        import pandas as pd  # imported here: takes a second

        return pd.DataFrame(list(self.rows))


def explore(
    tickets: Ticket | Mapping[str, Ticket],
    space: Space | Mapping[str, Any],
    model: str = "events",
    search: int | None = None,
    seed: int = 0,
    record: str | Path | None = None,
    scheduler: str | None = None,
) -> Explored:
    """Audit and simulate tickets at each setting of a space, and find the Pareto front of each ticket.

    tickets: one, or several by name. space: settings of the array and lists of their values, such as
    `{"pes": [8, 16], "broadcast": {"fifo_depth": [0, 8]}}`, and chip files (`chip`); others have their defaults.
    model: timing model. search: points to try of each ticket, chosen by NSGA-II; None: all of the grid. seed: of the
    search. record: file of JSON lines that keeps what was computed, and is read first. scheduler: address of that of a
    Dask cluster, whose workers compute; None: threads of this process.
    Raises InputError if the space is wrong or too large, if a ticket lacks what the model needs, or as `workers` does.
    """
    space = space if isinstance(space, Space) else Space.of(space)
    tickets = {"ticket": tickets} if isinstance(tickets, Ticket) else tickets
    MODELS.named(model, "model")
    if search is None and space.size > MOST_POINTS:
        raise InputError(f"space: expected at most {MOST_POINTS:,} points of a grid, got {space.size:,}; try a search")
    chips = {name: Chip.read(name or DEFAULT_CHIP) for name in space.knobs.get("chip", (None,))}
    kept, rows, code = Kept(None if record is None else Path(record)), list[Row](), installed_version()
    with workers(scheduler, code) as run:
        for name, ticket in tickets.items():
            points = _Points(name, ticket, chips, model, f"{code} {digest_of(ticket)}", kept, run)
            if search is None or search >= space.size:
                points.costs_of(list(space.grid()))
            else:
                search_points(space, search, seed, points.costs_of)
            rows += points.rows()
    return Explored(tuple(rows))


@dataclass
class _Points:
    """The points of one ticket, so far."""

    name: str
    ticket: Ticket
    chips: Mapping[str | None, Chip]
    model: str
    digest: str  # of code and ticket
    kept: Kept
    run: Run
    points: dict[str, Point] = field(default_factory=dict)  # by key

    def costs_of(self, points: Sequence[Point]) -> list[list[float]]:
        """Compute the points that are not kept yet; return OBJECTIVES of each."""
        keys = [key_of(self.digest, point, self.chips[point.chip], self.model) for point in points]
        self.points |= dict(zip(keys, points, strict=True))
        left = {key: point for key, point in zip(keys, points, strict=True) if key not in self.kept}
        known = len(set(keys)) - len(left)
        log.info("explore  %s: %d points%s", self.name, len(set(keys)), f", {known} of them kept" if known else "")
        work = [(point, self.chips[point.chip]) for point in left.values()]
        with closing(self.run(self.ticket, work, self.model)) as results:  # so that a run that fails stops computing
            shown = bar(results, f"exploring {self.name}", "points", len(left))
            for number, (key, found) in enumerate(zip(left, shown, strict=True), 1):
                self.kept.add(key, found)
                if number % POINTS_OF_A_LINE == 0:
                    log.info("explore  %s: %d of %d points", self.name, number, len(left))
        return [[self.kept[key][name] for name in OBJECTIVES] for key in keys]

    def rows(self) -> list[Row]:
        """Return a row for each point so far."""
        costs = np.array([[self.kept[key][name] for name in OBJECTIVES] for key in self.points], dtype=float)
        return [
            {
                "ticket": self.name,
                **{f"hw.{knob}": value for knob, value in point.settings.items()},
                "pareto": int(best),
                **self.kept[key],
            }
            for (key, point), best in zip(self.points.items(), on_front(costs), strict=True)
        ]
