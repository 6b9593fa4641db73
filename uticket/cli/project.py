"""`uticket rounds`, `check`, `estimate` and `readme`: the project in the current folder."""

from pathlib import Path

import click

from uticket.base.progress import start_logging
from uticket.base.text import plain_table
from uticket.config.chains import write_chains
from uticket.config.params import Params, read_params
from uticket.config.paths import REPORT, read_json, ticket_files
from uticket.hardware.chip import read_chip


@click.command()
@click.argument("number", metavar="N", type=click.IntRange(1, 99))
@click.option("--methods", default="lth,uticket", show_default=True, help="Methods, separated by commas.")
def rounds(number: int, methods: str) -> None:
    """Give each method a chain of N tickets in params.yaml; its comments stay."""
    write_chains(Path("params.yaml"), number, methods.split(","))
    click.echo(f"params.yaml: {number} rounds of {methods}")


@click.command()
def check() -> None:
    """Check params.yaml and the chip file that it names; tell the first mistake in one line."""
    params = read_params()
    read_chip(Path(params.hw.chip))
    tickets = sum(len(chain) for chain in params.tickets.values())
    setting = f"{params.data.name}, {params.model.name}, {tickets} tickets, {params.hw.pes} PEs"
    click.echo(f"params.yaml: in order ({setting})")
    for folder in left_over(params):
        click.echo(f"{folder}: no ticket of params.yaml; remove it, or it stays part of what later stages depend on")
    for ticket, final in trained_otherwise(params):
        expected = "to the end, as the last of its chain" if final else "for the search, as others are pruned from it"
        again = f"dvc repro --force --single-item {ticket.replace('/', '@')}"
        click.echo(f"tickets/{ticket}: expected to be trained {expected}, was not: {again}")


@click.command()
@click.option("--steps", default=20, show_default=True, type=click.IntRange(1), help="Training steps to measure.")
def estimate(steps: int) -> None:
    """Tell how long `dvc repro` will take from scratch, by stage: measure a few training steps of params.yaml."""
    from uticket.pipeline.estimate import estimate_stages  # imported here: PyTorch takes seconds

    start_logging()
    seconds = estimate_stages(read_params(), steps)
    seconds["together"] = sum(seconds.values())
    click.echo(plain_table([{"stage": stage, "minutes": f"{value / 60:.1f}"} for stage, value in seconds.items()]))
    click.echo("on this machine, in one process; not measured: data, map, simulate and report, which train nothing")


def left_over(params: Params) -> list[Path]:
    """Return the folders of tickets that params.yaml no longer has; DVC does not remove them."""
    known = {ticket_files(f"{method}/{name}").folder for method, chain in params.tickets.items() for name in chain}
    return sorted(folder for folder in Path("tickets").glob("*/*/") if folder not in known)


def trained_otherwise(params: Params) -> list[tuple[str, bool]]:
    """Return the tickets whose training no longer fits their place in the chains, and whether they are the last now."""
    tickets = [ticket for method in params.tickets for ticket in params.by_round(method)[1:]]
    found = []
    for ticket in tickets if params.prune.early else ():
        metrics, final = ticket_files(ticket).metrics, params.is_final(ticket)
        if metrics.exists() and read_json(metrics).get("final", True) != final:
            found.append((ticket, final))
    return found


@click.command()
def readme() -> None:
    """Write results into README.md, docs/simulator.md and docs/training.md, between their markers."""
    from uticket.report.readme import (  # imported here: pandas takes long
        update_readme,
        update_simulator_page,
        update_training_page,
    )

    path, page, training = Path("README.md"), Path("docs/simulator.md"), Path("docs/training.md")
    update_readme(path, REPORT.summary)
    click.echo(f"{path}: results of {REPORT.summary}")
    if page.exists():
        update_simulator_page(page, REPORT, Path("benchmarks/results/simulate.json"))
        click.echo(f"{page}: results of {REPORT.folder}")
    if training.exists():
        results = Path("benchmarks/results")
        update_training_page(training, results / "train.json", results / "sparse.json")
        click.echo(f"{training}: results of the benchmarks")
