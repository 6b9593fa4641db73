"""Train the dense network, round 0 of every chain, or take one from elsewhere; keep the weights to rewind to."""

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
    if params.dense.checkpoint is not None:
        from uticket.pipeline.imported import import_dense

        return import_dense(params, prepared, ticket_files(DENSE))
    from uticket.pipeline.dense import train_dense

    return train_dense(params, prepared, ticket_files(DENSE))


if __name__ == "__main__":
    main()
