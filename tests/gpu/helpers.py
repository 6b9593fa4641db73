"""Jobs on a device."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from tests.helpers import BRIEF, SMALL
from tests.training.helpers import drawn_mask, fresh, made_up
from uticket.config.training import Augment, Train
from uticket.training.batches import Images
from uticket.training.checkpoint import copy_state
from uticket.training.job import Job
from uticket.training.keep import Keep
from uticket.training.loss import per_step_loss
from uticket.training.masking import MaskedWeights
from uticket.training.ranks import ALONE
from uticket.training.running import forward_of
from uticket.training.train import train

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


def first_step(job: Job) -> list[torch.Tensor]:
    """The outputs and all gradients of the first step on the images as they are."""
    images = job.images
    job.network.train()
    outputs = forward_of(job, ALONE)(images.normalized(images.images[:8]))
    per_step_loss(outputs, images.labels[:8]).backward()
    return [outputs.detach().cpu(), *(p.grad.cpu() for p in job.network.parameters())]


def trained(job: Job, folder: Path) -> dict[str, torch.Tensor]:
    """The state of the network after its training, kept in `folder` meanwhile."""
    with Keep("test", job.settings.save_minutes, root=folder) as keep:
        train(job, keep)
    return copy_state(job.network)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether two states have the same bytes."""
    return all(torch.equal(one[name], other[name]) for name in one)
