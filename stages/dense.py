"""Train the dense network, round 0 of every chain, and keep the weights that tickets are rewound to."""

import click

from uticket.base.progress import start_logging
from uticket.cli.oneline import OneLine
from uticket.config.lineage import DENSE
from uticket.config.params import read_params
from uticket.config.paths import PREPARED, ticket_files
from uticket.data.prepared import load


@click.command(cls=OneLine, help=__doc__)
def main() -> None:
    """Write tickets/dense."""
    start_logging()
    params, prepared = read_params(), load(PREPARED)
    from uticket.pipeline.dense import train_dense

    train_dense(params, prepared, ticket_files(DENSE))


if __name__ == "__main__":
    main()
