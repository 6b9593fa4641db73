"""The rows of a table of the report at one revision, each with its numbers over the seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from uticket.base.files import Row
from uticket.base.spread import Mean, over_seeds, sd_of
from uticket.comparing.kinds import EVENTS_LATENCY, KINDS, RESULTS
from uticket.comparing.results import Results, Rows
from uticket.report.savings import SAVED, with_savings

Key = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """A difference to `base`. value: paired by seed, a mean, if there are two common seeds; else that of the means."""

    value: float
    base: float

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % confidence interval, if it is known."""
        return self.value.interval if isinstance(self.value, Mean) else None


@dataclass(frozen=True)
class Entry:
    """One row of a table at one revision. differences: to the first revision, of the columns that both have."""

    key: Row
    revision: str
    ticket: str
    num_seeds: int
    numbers: Mapping[str, Mean]
    differences: Mapping[str, Difference] = field(default_factory=dict)

    def record(self, columns: Sequence[str], with_seeds: bool) -> Row:
        """Return a tidy row of some columns; with_seeds: deviations and intervals too."""
        found: dict[str, Any] = {**self.key, "revision": self.revision, "ticket": self.ticket}
        found |= {"seeds": self.num_seeds} if with_seeds else {}
        for name in columns:
            difference = self.differences.get(name)
            found[name] = exact(self.numbers[name]) if name in self.numbers else None
            found |= {f"{name}_sd": sd_of(self.numbers.get(name))} if with_seeds else {}
            found[f"{name}_diff"] = difference.value if difference else None
            ends = (difference and difference.interval) or (None, None)
            found |= {f"{name}_diff_low": ends[0], f"{name}_diff_high": ends[1]} if with_seeds else {}
        return found


def entries_of(results: Results, kind: str) -> dict[Key, Entry]:
    """Return the rows of a table at a revision, by their keys, with all columns that hold numbers."""
    keys = KINDS[kind].keys
    by_key = dict[Key, dict[int, Row]]()
    for seed, rows in _rows(results, kind).items():
        for row in rows:
            by_key.setdefault(tuple(row[name] for name in keys), {})[seed] = row
    return {key: _entry(dict(zip(keys, key, strict=True)), results.name, rows) for key, rows in by_key.items()}


def difference(number: Mean, base: Mean) -> Difference:
    """Return by how much a number differs from the one of the first revision."""
    paired = over_seeds(lambda one, other: one - other, number, base)
    is_paired = isinstance(paired, Mean) and len(paired.samples) > 1
    return Difference(paired if is_paired and paired is not None else exact(number) - exact(base), float(base))


def exact(number: Mean) -> float:
    """Return the mean; of one value that value, which may be a whole number."""
    return next(iter(number.samples.values())) if len(number.samples) == 1 else float(number)


def _entry(key: Row, revision: str, rows: Mapping[int, Row]) -> Entry:
    """Return an entry. rows: by seed."""
    found = {}
    for name in dict.fromkeys(name for row in rows.values() for name in row if name not in key):
        samples = {seed: row[name] for seed, row in rows.items() if _is_number(row.get(name))}
        if samples:
            found[name] = Mean(samples)
    tickets = dict.fromkeys(str(row.get("ticket") or "") for row in rows.values())
    return Entry(key, revision, ", ".join(tickets), len(rows), found)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and isfinite(value)


def _rows(results: Results, kind: str) -> Mapping[int, Rows]:
    """Return the rows of a table by seed; those of the results are made from two tables."""
    if kind != RESULTS:
        return results.tables[kind]
    baseline, models = results.params.get("report.baseline", ""), results.tables.get("models", {})
    return {seed: _last(rows, models.get(seed, ()), baseline) for seed, rows in results.tables["rounds"].items()}


def _last(rounds: Rows, models: Rows, baseline: str) -> Rows:
    """Return the row of each method's last ticket, with what it saves and its latency in the event model."""
    last = {row["method"]: row for row in rounds}  # of several rows of a method, the last one
    events = {row["method"]: row.get("latency_cycles") for row in models if row["model"] == "events"}
    rows = [{**row, EVENTS_LATENCY: events.get(method)} for method, row in last.items()]
    costs = {cost: saved for cost, saved in SAVED.items() if all(cost in row for row in rows)}
    return with_savings(rows, baseline, costs)
