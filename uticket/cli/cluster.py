"""`uticket cluster`: a search over seeds, presets and methods as jobs of a cluster."""

from pathlib import Path

import click

search_argument = click.argument(
    "search", metavar="[SEARCH]", default=Path("search.yaml"), type=click.Path(path_type=Path)
)


@click.group()
def cluster() -> None:
    """Train chains for seeds x presets x methods on SLURM, as search.yaml says."""


@cluster.command()
@search_argument
def submit(search: Path) -> None:
    """Submit the jobs that are neither done nor in the queue: a dense training per preset and seed, then its chains."""
    from uticket.cluster.clone import committed_project
    from uticket.cluster.submit import submit as submit_jobs
    from uticket.config.search import read_search

    settings = read_search(search)
    for line in submit_jobs(settings, committed_project(Path.cwd())):
        click.echo(line)


@cluster.command()
@search_argument
def status(search: Path) -> None:
    """Print the state of each job, and its log."""
    from uticket.base.text import plain_table
    from uticket.cluster.jobs import groups_of
    from uticket.cluster.submit import states_of
    from uticket.config.search import read_search

    settings = read_search(search)
    states = states_of(settings, groups_of(settings))
    rows = [{"job": job.name, "state": state, "log": str(job.log or "")} for job, state in states.items()]
    click.echo(plain_table(rows))


@cluster.command()
@search_argument
def gather(search: Path) -> None:
    """Write the tables of all chains that are done into one folder, and fetch a branch for each."""
    from uticket.cluster.clone import committed_project
    from uticket.cluster.gather import gather as gather_results
    from uticket.config.search import read_search

    settings = read_search(search)
    for line in gather_results(settings, committed_project(Path.cwd())):
        click.echo(line)
