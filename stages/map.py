"""Map the tickets of a method to the PEs: what runs where, how it is stored, and how it would run otherwise."""

import click

from uticket.base.progress import start_logging
from uticket.cli.oneline import OneLine
from uticket.config.params import read_params
from uticket.config.plan import read_chain
from uticket.hardware.chip import Chip
from uticket.pipeline.map import map_chain


@click.command(cls=OneLine, help=__doc__)
@click.argument("method")
def main(method: str) -> None:
    """METHOD is a key of the block `balance` in params.yaml."""
    start_logging()
    params = read_params()
    map_chain(read_chain(method), params.hw.array, Chip.read(params.hw.chip), params.quantize.bits)


if __name__ == "__main__":
    main()
