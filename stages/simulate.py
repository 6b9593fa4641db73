"""Simulate the tickets of a method on the array: cycles and energy by layer, by ticket and over sweeps of the array."""

import click

from uticket.base.progress import start_logging
from uticket.cli.oneline import OneLine
from uticket.config.params import read_params
from uticket.config.plan import read_chain
from uticket.pipeline.simulate import simulate_chain


@click.command(cls=OneLine, help=__doc__)
@click.argument("method")
def main(method: str) -> None:
    """METHOD is a key of the block `balance` in params.yaml."""
    start_logging()
    params = read_params()
    simulate_chain(read_chain(method), params.hw, params.energy)


if __name__ == "__main__":
    main()
