"""Test every ticket of a method with its weights rounded to a few bits; no training depends on it."""

import click

from uticket.base.progress import start_logging
from uticket.cli.oneline import OneLine
from uticket.config.params import read_params
from uticket.config.paths import PREPARED
from uticket.config.plan import read_chain
from uticket.data.prepared import load


@click.command(cls=OneLine, help=__doc__)
@click.argument("method")
def main(method: str) -> None:
    """METHOD is a key of the block `balance` in params.yaml."""
    start_logging()
    params, chain, prepared = read_params(), read_chain(method), load(PREPARED)
    from uticket.pipeline.quantize import quantize_chain

    quantize_chain(chain, params.model, params.train.device, params.quantize.bits, prepared)


if __name__ == "__main__":
    main()
