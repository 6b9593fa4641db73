"""Prepare the images: checked uint8 arrays of the data set that `data.name` names."""

import click

from uticket.base.progress import start_logging
from uticket.cli.oneline import OneLine
from uticket.config.params import read_params


@click.command(cls=OneLine, help=__doc__)
def main() -> None:
    """Read the images once, check them and write data/prepared."""
    start_logging()
    params = read_params()
    from uticket.pipeline.prepare import prepare_images

    prepare_images(params)


if __name__ == "__main__":
    main()
