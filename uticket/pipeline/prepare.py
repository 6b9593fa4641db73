"""The stage `data`."""

from uticket.base.progress import log
from uticket.config.params import Params
from uticket.config.paths import DOWNLOADS, PREPARED
from uticket.data.prepared import save
from uticket.data.sources import prepare


def prepare_images(params: Params) -> None:
    """Read the images of `data.name` once, check them and write them as uint8 arrays.

    Recordings of events become frames, one for each timestep of the network.
    """
    prepared = prepare(params.data, DOWNLOADS, params.seed, params.model.timesteps)
    save(prepared, PREPARED)
    shape, counts = prepared.image_shape, (len(prepared.train.labels), len(prepared.test.labels))
    log.info("data  %s: %d training and %d test images of %s", prepared.name, *counts, shape)
