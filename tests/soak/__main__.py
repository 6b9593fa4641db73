"""`make soak MINUTES=N`: kill the smoke pipeline at random moments, and compare all bytes with an undisturbed run.

Lines are appended to FOLDER/log.jsonl after each kill; started again, a soak resumes there. Ends with FOLDER/soak.json.
"""

import json
import random
import shutil
import sys
from pathlib import Path

import click

from tests.soak.cycle import Cycle
from tests.soak.job import Job, jobs_of
from tests.soak.log import append, is_wrong, records, summary
from tests.soak.project import Smoke
from uticket.base.files import write_json
from uticket.base.process import begin
from uticket.base.progress import bar, log, start_logging
from uticket.cli.oneline import OneLine

SHARES = {"dvc": 0.06, "stage": 0.6, "command": 0.34}  # of cycles: one of dvc takes as long as ten others
FIRST_GUESS_S = 10.0  # how long a job takes, until it has run once


@click.command(cls=OneLine, help=__doc__)
@click.option("--minutes", default=60.0, show_default=True, help="Of all cycles together, with those in the log.")
@click.option("--seed", default=0, show_default=True, help="Of kinds, moments and signals.")
@click.option("--folder", type=click.Path(path_type=Path), default=".uticket/soak", show_default=True)
def main(minutes: float, seed: int, folder: Path) -> None:
    """Run cycles until the time is over; exit with 1 if anything was wrong."""
    start_logging()
    smoke = Smoke(folder.resolve())
    log.info("soak  the undisturbed run in %s", smoke.undisturbed)
    smoke.make()
    jobs, lines = jobs_of(smoke), smoke.root / "log.jsonl"
    found = records(lines)
    took = {job.name: smoke.seconds() if kind == "dvc" else FIRST_GUESS_S for kind in jobs for job in jobs[kind]}
    number = max((record["cycle"] for record in found), default=-1) + 1
    with bar(None, "soak", "s", total=round(60 * minutes), initial=_seconds(found)) as progress:
        while _seconds(found) < 60 * minutes:
            rng = random.Random(f"{seed} {number}")
            job = draw(jobs, rng)
            cycle = Cycle(job, smoke.copy("disturbed"), smoke.env, rng, took[job.name])
            for record in cycle.run():
                record = {"cycle": number, **record}
                append(lines, record)
                found.append(record)
                progress.update(_seconds(found) - progress.n)
                if is_wrong(record):
                    log.warning("soak  cycle %d: %s", number, json.dumps(record)[:1000])
                    kept = smoke.root / f"wrong{number}"
                    if not kept.exists():
                        shutil.copytree(cycle.folder, kept, symlinks=True)
            took[job.name] = cycle.took
            number += 1
            kills = sum(bool(record.get("killed")) for record in found)
            log.info("soak  %4.1f min  %4d kills  cycle %d: %s", _seconds(found) / 60, kills, number, job.name)
            write_json(smoke.root / "soak.json", summary(found, seed))
    click.echo(json.dumps(summary(found, seed), indent=1))
    sys.exit(any(map(is_wrong, found)))


def draw(jobs: dict[str, list[Job]], rng: random.Random) -> Job:
    """Return the job of a cycle."""
    (kind,) = rng.choices(list(SHARES), list(SHARES.values()))
    return rng.choice(jobs[kind])


def _seconds(found: list[dict]) -> int:
    return round(sum(record["seconds"] for record in found))


if __name__ == "__main__":
    begin()
    main()
