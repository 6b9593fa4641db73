"""What the last ticket of each method costs, and what it saves against that of the baseline."""

from collections.abc import Mapping, Sequence
from typing import Any

from uticket.base.files import Row
from uticket.base.spread import over_seeds, plus_minus
from uticket.config.lineage import DENSE
from uticket.report.words import swallowed

SAVED = {"latency_cycles": "latency_saved_pct", "energy": "energy_saved_pct"}
NUMBERS = ("accuracy", "sparsity", "spike_sparsity", "utilization", "work_cycles", "idle_cycles", *SAVED)
RESULTS = (*NUMBERS, *SAVED.values())
METRICS = ("accuracy", "sparsity", "utilization", *SAVED, *SAVED.values())


def with_savings(rows: Sequence[Row], baseline: str, saved: Mapping[str, str]) -> list[Row]:
    """Add to each row what it saves against the baseline's row, of the same timing model if there are several.

    saved: column of a cost -> column of its saving, in percent; None in the baseline's own rows, and where the baseline
    is absent or costs nothing.
    """
    bases = {row.get("model"): row for row in rows if row["method"] == baseline}
    found: list[Row] = []
    for row in rows:
        base = bases.get(row.get("model"), row)
        found.append({**row, **{name: _saved_pct(row, base, cost) for cost, name in saved.items()}})
    return found


def _saved_pct(row: Row, base: Row, cost: str) -> float | None:
    return None if row["method"] == base["method"] else saved_pct(row[cost], base[cost])


def saved_pct(cost: float, base: float) -> float | None:
    """Return what a cost saves against that of the baseline, seed by seed; None if that is nothing."""
    return over_seeds(lambda own, other: 100 * (1 - own / other) if other else None, cost, base)


def last_tickets(rounds: Sequence[Row], baseline: str) -> list[Row]:
    """Return the row of each method's last ticket, with latency_saved_pct and energy_saved_pct.

    rounds: rows of `uticket.report.tables.Tables.rounds`.
    """
    last = {row["method"]: row for row in rounds}  # of several rows of a method, the last one
    return with_savings(list(last.values()), baseline, SAVED)


def metrics(rounds: Sequence[Row], baseline: str) -> dict[str, dict[str, Any]]:
    """Return metrics.json: the numbers that matter of each method's last ticket, savings where there are any."""
    return {
        row["method"]: {name: row[name] for name in METRICS if row[name] is not None}
        for row in last_tickets(rounds, baseline)
    }


def results(rounds: Sequence[Row], baseline: str) -> list[Row]:
    """Return the rows that the page and README.md begin with: dense, then each method's last ticket."""
    dense = [{**row, "method": DENSE} for row in rounds if row["ticket"] == DENSE][:1]
    rows = dense + last_tickets([row for row in rounds if row["ticket"] != DENSE], baseline)
    return [{name: row.get(name) for name in ("method", *RESULTS)} for row in rows]


def findings(rounds: Sequence[Row], baseline: str) -> list[str]:
    """Say in a sentence for each method what it saves against the baseline."""
    return [
        f"{row['method']}: {_change(row['latency_saved_pct'], 'latency')} and "
        f"{_change(row['energy_saved_pct'], 'energy')} than {baseline}."
        for row in last_tickets(rounds, baseline)
        if row["latency_saved_pct"] is not None and row["energy_saved_pct"] is not None
    ]


def _change(saved_pct: float, cost: str) -> str:
    amount = plus_minus(lambda percent: f"{abs(percent):.1f}", saved_pct)
    return f"{amount} % {'less' if saved_pct >= 0 else 'more'} {cost}{swallowed(saved_pct)}"
