"""`uticket check` of a network of one's own."""

from uticket.base.files import is_folder
from uticket.config.params import Params
from uticket.config.paths import PREPARED
from uticket.networks.network import build
from uticket.networks.own import check_search, find
from uticket.pipeline.estimate import load_images


def check_own(params: Params) -> bool:
    """Build the network of `model.name` and run it on a few images of the prepared shape.

    Returns whether that could be done: without prepared images only the function is looked up. Raises InputError, in
    one line, if anything is wrong with it.
    """
    find(params.model)
    if not is_folder(PREPARED):
        return False
    prepared = load_images(params)
    network = build(params.model, prepared.image_shape, len(prepared.classes), seed=0)
    check_search(network, params.prune.early_time)
    return True
