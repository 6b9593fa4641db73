"""What stands below the answer at the top of the page: results, the paper's beside them, and what to be careful of."""

from collections.abc import Iterator

from uticket.base.errors import listed
from uticket.base.files import Row
from uticket.base.text import cell, heading
from uticket.report.paper import reported
from uticket.report.run import Run
from uticket.report.savings import last_tickets, results
from uticket.report.sections.training import at_chance
from uticket.report.tables import Tables
from uticket.report.words import known, with_error

PAPER_ROWS = ("accuracy", "sparsity", "spike_sparsity", "utilization", "latency_saved_pct", "energy_saved_pct")
SOURCES = ("Table I", "Table II", "Table II", "Table II", "Table II", "Fig. 7a")


def results_with_errors(tables: Tables, run: Run) -> list[Row]:
    """Return the table of results: accuracies with their standard error, and both models' latency."""
    events = {row["method"]: row for row in tables.models if row["model"] == "events"}
    rows: list[Row] = []
    for row in results(tables.rounds, run.baseline):
        found = {"method": row["method"], "accuracy": with_error(row["accuracy"], run.test_images)}
        found |= {
            name: row[name] for name in ("utilization", "latency_saved_pct", "energy_saved_pct", "latency_cycles")
        }
        found["latency cycles, events"] = _cell(events.get(row["method"]), "latency_cycles")
        rows.append(
            found | {name: row[name] for name in ("sparsity", "spike_sparsity", "energy", "work_cycles", "idle_cycles")}
        )
    return rows


def _cell(row: Row | None, name: str) -> str:
    return "" if row is None else cell(name, row.get(name))


def beside_paper(tables: Tables, run: Run) -> list[Row]:
    """Return a row for each number that the paper prints too: here and there, for each of its methods that was run."""
    last = {row["method"]: row for row in last_tickets(tables.rounds, run.baseline)}
    there = reported(run)
    methods = [method for method in there if method in last]
    rows: list[Row] = []
    for name, source in zip(PAPER_ROWS, SOURCES, strict=True):
        cells = {}
        for method in methods:
            cells[f"{method}, here"] = cell(name, last[method].get(name))
            cells[f"{method}, paper"] = cell(name, there[method].get(name))
        rows.append({"number": heading(name), **cells, "in the paper": source})
    return rows if methods else []


def warnings(tables: Tables, run: Run) -> Iterator[str]:
    """Say what makes the results of this run doubtful."""
    yield from run.left_out
    failed = at_chance(tables, run)
    if failed:
        yield f"No better than guessing, so that what is below says little about them: {listed(failed)}."
    silent = [row["ticket"] for row in tables.rounds if not known(row["spike_sparsity"])]
    if silent:
        yield f"No layer runs on the PEs: {listed(silent)}."
    if run.test_images is None:
        yield "The prepared data set is not here, so accuracies have no error: `dvc repro data` prepares it."
