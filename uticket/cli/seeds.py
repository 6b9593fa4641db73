"""`uticket seeds`: the pipeline with several seeds, so that the report has means and spreads."""

from collections import Counter
from pathlib import Path

import click

from uticket.base.errors import InputError
from uticket.cli.options import Setting
from uticket.config.block import AtLeastOne, Seed


@click.command()
@click.argument("seeds", metavar="[SEED]...", nargs=-1, type=Setting(Seed))
@click.option("--count", type=Setting(AtLeastOne), help="Instead of SEEDs: 0, 1, 2, ..., this many.")
@click.option("--status", is_flag=True, help="Run nothing; print how far each seed is.")
@click.option("--gather", is_flag=True, help="Run nothing; write seeds/ of what is done.")
def seeds(seeds: tuple[int, ...], count: int | None, status: bool, gather: bool) -> None:
    """Run the pipeline with each SEED, and write the tables of all of them to seeds/, which the report reads.

    Each runs in a clone of the last commit with the params.yaml of now (.uticket/seeds/), one after the other. A run
    that was stopped resumes when the command is repeated.
    """
    from uticket.base.text import plain_table
    from uticket.project.clone import find_project
    from uticket.repeating.gather import gather as gather_tables
    from uticket.repeating.repeat import base_of
    from uticket.repeating.run import run_seeds
    from uticket.repeating.status import states_of

    wanted = _wanted(seeds, count, runs=not (status or gather))
    base = base_of(find_project(Path.cwd()))
    for line in run_seeds(base, wanted) if wanted else gather_tables(base) if gather else ():
        click.echo(line)
    if status:
        rows = states_of(base)
        click.echo(plain_table(rows) if rows else "no seed has begun")


def _wanted(seeds: tuple[int, ...], count: int | None, runs: bool) -> list[int]:
    """Return the seeds to run, none if the command runs nothing. Raises InputError if that is unclear."""
    if count is not None and seeds:
        raise InputError(f"--count: expected no SEED beside it, got {seeds[0]}")
    wanted = list(seeds) if count is None else list(range(count))
    if not runs and wanted:
        raise InputError("--status, --gather: expected no seeds to run beside them, got some")
    if runs and not wanted:
        raise InputError("SEED: expected one or more, such as 0 1 2, or --count, got none")
    twice = next((seed for seed, times in Counter(wanted).items() if times > 1), None)
    if twice is not None:
        raise InputError(f"SEED: expected each once, got {twice} twice")
    return wanted
