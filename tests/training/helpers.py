"""What the tests of training need: made-up images, masks, jobs, and one training from its start to its end."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from uticket.capturing.axes import mask_shape
from uticket.config.training import Model, Train
from uticket.networks.network import SpikingNetwork, build, weight_layers
from uticket.ticket.mask import Mask
from uticket.training.batches import Images
from uticket.training.job import Job
from uticket.training.keep import Keep
from uticket.training.masking import MaskedWeights
from uticket.training.train import Trained, train


def made_up(count: int = 24) -> Images:
    """Images of two classes that a network can tell apart: bright above or bright below."""
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(0, 60, (count, 1, 8, 8), generator=draw)
    labels = torch.arange(count) % 2
    images[labels == 0, :, :4] += 150
    images[labels == 1, :, 4:] += 150
    return Images(images.to(torch.uint8), labels, torch.full((1, 1, 1), 100.0), torch.full((1, 1, 1), 80.0))


def drawn_mask(network: SpikingNetwork, density: float = 0.5) -> Mask:
    """A mask that keeps each weight with this probability."""
    rng = np.random.default_rng(0)
    return Mask({name: rng.random(mask_shape(layer)) < density for name, layer in weight_layers(network).items()})


def ones(network: SpikingNetwork) -> Mask:
    """The mask that keeps everything."""
    return Mask.ones({name: tuple(layer.weight.shape) for name, layer in weight_layers(network).items()})


def fresh(model: Model) -> SpikingNetwork:
    """The network of the settings for the made-up images."""
    return build(model, (1, 8, 8), 2, seed=0)


def job_of(network: SpikingNetwork, mask: Mask, settings: Train, seed: int = 0, **more: Any) -> Job:
    """A training on the made-up images."""
    return Job(MaskedWeights(network, mask), made_up(), made_up(), settings, seed, **more)


def run(job: Job, folder: Path) -> Trained:
    """Train; keep the state in `folder` as often as the settings say."""
    with Keep("test", job.settings.save_minutes, root=folder) as keep:
        return train(job, keep)
