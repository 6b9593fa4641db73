"""Bring the results of a search together: tables in its folder, a branch of the project for each chain."""

from collections.abc import Iterator
from pathlib import Path

from uticket.base.errors import InputError
from uticket.base.files import Row, read_rows, write_rows
from uticket.cluster.jobs import Job, groups_of
from uticket.config.paths import REPORT
from uticket.config.search import Search
from uticket.project.clone import Project
from uticket.project.programs import succeed
from uticket.report.savings import METRICS, NUMBERS, last_tickets

TABLES = ("rounds", "layers", "sweeps", "mappings", "quantized", "storage", "training")  # of the report, by chain


def gather(search: Search, project: Project) -> Iterator[str]:
    """Write results/TABLE.csv for all chains that are done: tables of the report, with columns `preset` and `seed`.

    metrics.csv has the last ticket of each, with what it saves against the first method of the same preset and seed.
    Yields a line for each file and branch. Raises InputError if no chain is done, or a table is missing or damaged.
    """
    groups = groups_of(search)
    done = [job for group in groups for job in group.chains if job.done]
    if not done:
        raise InputError(f"{search.folder}: expected a chain that is done, got none; see uticket cluster status")
    results = Path(search.folder) / "results"
    for name in TABLES:
        write_rows(results / f"{name}.csv", [row for job in done for row in _rows(job, name, project)])
    metrics = [row for group in groups for row in _metrics([job for job in group.chains if job.done], search, project)]
    write_rows(results / "metrics.csv", metrics)
    yield f"{results}: {', '.join(f'{name}.csv' for name in ('metrics', *TABLES))}"
    for job in done:
        succeed(project.folder, "git", "fetch", "--quiet", str(job.clone), f"+{job.branch}:{job.branch}")
    yield f"branches cluster/*: {len(done)} of {sum(len(group.chains) for group in groups)} chains"


def _rows(job: Job, name: str, project: Project) -> list[Row]:
    """Return the rows of one table of a job's report, with its preset and seed."""
    path = job.clone / project.prefix / REPORT.table(name)
    return [{"preset": job.preset, "seed": job.seed, **row} for row in read_rows(path)]


def _metrics(jobs: list[Job], search: Search, project: Project) -> list[Row]:
    """Return the numbers that matter of the last tickets of some chains of one preset and seed."""
    rounds = [{**row, **{n: float(row[n]) for n in NUMBERS}} for job in jobs for row in _rows(job, "rounds", project)]
    rows = last_tickets(rounds, search.methods[0])
    return [{name: row[name] for name in ("preset", "seed", "method", "ticket", *METRICS)} for row in rows]
