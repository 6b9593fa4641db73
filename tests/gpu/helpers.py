"""Jobs on a device."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from tests.helpers import BRIEF, SMALL
from tests.training.helpers import drawn_mask, fresh, made_up
from uticket.config.training import Augment, Train
from uticket.training.batches import Images
from uticket.training.job import Job
from uticket.training.masking import MaskedWeights

ALL_CHANGES = Augment(crop=1, flip=True, cutout=3)


def images_on(device: torch.device) -> Images:
    """Made-up images on a device."""
    images = made_up()
    parts = {name: getattr(images, name).to(device) for name in ("images", "labels", "mean", "deviation")}
    return replace(images, **parts)


def job_on(device: torch.device, name: str = "vgg7", settings: Train = BRIEF, augment: Augment = ALL_CHANGES) -> Job:
    """A training of a small masked network with all augmentation, by dense convolutions."""
    network = fresh(SMALL.model_copy(update={"name": name, "width": 0.0625})).to(device)
    masked = MaskedWeights(network, drawn_mask(network))
    dense = settings.model_copy(update={"sparse": "off", "augment": augment})
    return Job(masked, images_on(device), images_on(device), dense, seed=0)


@contextmanager
def without_waiting(device: torch.device) -> Iterator[None]:
    """Let everything raise that makes the CPU wait for a GPU; on the CPU, nothing does."""
    if device.type == "cpu":
        yield
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")
