"""The stage `data`."""

from uticket.base.progress import log_end
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
    shape = " x ".join(str(size) for size in prepared.image_shape)
    counts = f"{len(prepared.train.labels):,} training and {len(prepared.test.labels):,} test images"
    log_end("data", f"{prepared.name}, {counts} of {shape}", PREPARED)
