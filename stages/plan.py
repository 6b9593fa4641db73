"""Plan the tickets: what decides the mask of each, and which tickets each method has."""

import click

from uticket.base.progress import start_logging
from uticket.cli.oneline import OneLine
from uticket.config.params import read_params
from uticket.pipeline.plan import write_plans


@click.command(cls=OneLine, help=__doc__)
def main() -> None:
    """Write plans/METHOD.json and plans/METHOD/NAME.json."""
    start_logging()
    write_plans(read_params())


if __name__ == "__main__":
    main()
