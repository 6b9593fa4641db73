"""The command `uticket`."""

from pathlib import Path

import click

from uticket import __version__
from uticket.params import Params, read_params
from uticket.paths import REPORT, ticket_files


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Sparse spiking networks that keep every processing element busy."""


@main.command()
def check() -> None:
    """Check params.yaml; tell the first mistake in one line."""
    params = read_params()
    tickets = sum(len(chain) for chain in params.tickets.values())
    setting = f"{params.data.name}, {params.model.name}, {tickets} tickets, {params.hw.pes} PEs"
    click.echo(f"params.yaml: in order ({setting})")
    for folder in left_over(params):
        click.echo(f"{folder}: no ticket of params.yaml; remove it, or it stays part of what later stages depend on")


def left_over(params: Params) -> list[Path]:
    """Return the folders of tickets that params.yaml no longer has; DVC does not remove them."""
    known = {ticket_files(f"{method}/{name}").folder for method, chain in params.tickets.items() for name in chain}
    return sorted(folder for folder in Path("tickets").glob("*/*/") if folder not in known)


@main.command()
@click.argument("path", type=click.Path(path_type=Path), default="README.md")
def readme(path: Path) -> None:
    """Write the results of report/summary.json into README.md, between its two markers."""
    from uticket.readme import update_readme  # imported here: pandas would slow the other commands down

    update_readme(path, REPORT.summary)
    click.echo(f"{path}: results of {REPORT.summary}")


if __name__ == "__main__":
    main()
