"""Each method against the baseline, seed by seed: what is more than the spread over seeds, and what it swallows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from uticket.base.files import Row
from uticket.base.spread import Mean, sd_of
from uticket.report.run import Run
from uticket.report.savings import last_tickets
from uticket.report.tables import Tables
from uticket.report.words import MODELS, MOST, difference_in_points, interval, joined, signed, verdict

BY_MODEL = {"latency_saved_pct": "latency saved", "pe_energy_saved_pct": "PE energy saved"}


@dataclass(frozen=True)
class Difference:
    """How a method differs from the baseline. unit: `points` (of percent) or `%`; mean: over the seeds of both."""

    method: str
    what: str
    unit: str
    mean: Mean

    def __str__(self) -> str:
        return f"{self.what} of {self.method} ({signed(self.mean)} {self.unit})"


def differences(tables: Tables, run: Run) -> list[Difference]:
    """Return the differences of the last tickets, method by method; none in a run of one seed."""
    last = last_tickets(tables.rounds, run.baseline)
    base = next((row for row in last if row["method"] == run.baseline), None)
    if base is None:
        return []
    found = [parts for row in last if row is not base for parts in _of(row, base, tables)]
    return [Difference(method, what, unit, mean) for method, what, unit, mean in found if isinstance(mean, Mean)]


def _of(row: Row, base: Row, tables: Tables) -> Iterator[tuple[str, str, str, float | None]]:
    method = row["method"]
    for name in ("accuracy", "utilization"):
        yield method, name, "points", difference_in_points(row[name], base[name])
    yield method, "energy saved (Eq. 3)", "%", row["energy_saved_pct"]
    for of_model in tables.models:
        if of_model["method"] == method:
            model = MODELS.get(of_model["model"], of_model["model"])
            for name, what in BY_MODEL.items():
                yield method, f"{what} ({model})", "%", of_model[name]


def listing(found: Sequence[Difference], baseline: str) -> list[Row]:
    """Return a row for each difference: mean, standard deviation and 95 % confidence interval over seeds."""
    return [_row(difference, baseline) for difference in found]


def _row(difference: Difference, baseline: str) -> Row:
    mean, sd = difference.mean, sd_of(difference.mean)
    return {
        "method": difference.method,
        f"against {baseline}": f"{difference.what}, {difference.unit}",
        "seeds": len(mean.samples),
        "mean": signed(float(mean)),
        "standard deviation": "" if sd is None else f"{sd:.1f}",
        "95 % interval": "" if sd is None else interval(mean),
        "the spread over seeds": "unknown: one seed" if sd is None else verdict(mean),
    }


def sentence(found: Sequence[Difference], run: Run) -> str:
    """Say which differences the spread over seeds swallows; empty in a run of one seed."""
    known = [difference for difference in found if sd_of(difference.mean) is not None]
    if not known:
        return ""
    lost = [difference for difference in known if difference.mean.is_swallowed]
    lost.sort(key=lambda difference: difference.method != run.subject)
    text = f"Seed by seed against {run.baseline}, over the seeds {joined([str(seed) for seed in run.seeds])}: "
    if not lost:
        return f"{text}all {len(known)} differences are more than the spread (95 % confidence intervals without 0)."
    more = f" and {len(lost) - MOST} more" if len(lost) > MOST else ""
    text += f"the spread swallows {len(lost)} of {len(known)} differences, whose 95 % confidence interval contains 0: "
    text += f"{'; '.join(map(str, lost[:MOST]))}{more}."
    if len(run.seeds) == 2:
        text += " Of two seeds these intervals reach 12.7 standard errors to each side, of three 4.3."
    return text
