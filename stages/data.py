"""Prepare the images: checked uint8 arrays of the data set that `data.name` names."""

import click

from uticket.base.progress import log, start_logging
from uticket.config.params import read_params
from uticket.config.paths import DOWNLOADS, PREPARED
from uticket.data.prepared import save
from uticket.data.sources import prepare


@click.command(help=__doc__)
def main() -> None:
    """Read the images once, check them and write data/prepared."""
    start_logging()
    params = read_params()
    prepared = prepare(params.data, DOWNLOADS, params.seed)
    save(prepared, PREPARED)
    shape, counts = prepared.image_shape, (len(prepared.train.labels), len(prepared.test.labels))
    log.info("data  %s: %d training and %d test images of %s", prepared.name, *counts, shape)


if __name__ == "__main__":
    main()
