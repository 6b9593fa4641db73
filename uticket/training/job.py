"""What is fixed about a training before its first step."""

from dataclasses import dataclass

import torch

from uticket.config.training import Train
from uticket.networks.network import SpikingNetwork
from uticket.training.batches import Images
from uticket.training.masking import MaskedWeights
from uticket.training.search import WHOLE, Search


@dataclass(frozen=True)
class Job:
    """A network to train, the images to train and test it on, and how.

    masked: the weights held at zero, with their network, which is trained in place. seed: decides the order and the
    augmentation of the images. rewind_epoch: the epoch of which a copy of the network is returned; 0 is before
    training. search: how the training is shortened.
    """

    masked: MaskedWeights
    images: Images
    test: Images
    settings: Train
    seed: int
    rewind_epoch: int | None = None
    search: Search = WHOLE

    @property
    def network(self) -> SpikingNetwork:
        """The network that is trained."""
        return self.masked.network

    @property
    def device(self) -> torch.device:
        """Where the images are, and the network."""
        return self.images.labels.device

    @property
    def batch_size(self) -> int:
        """Images of a batch, over all processes: fewer than the settings say if the set is smaller."""
        return min(self.settings.batch_size, len(self.images))

    @property
    def num_batches(self) -> int:
        """Batches of an epoch."""
        return self.images.num_batches(self.settings.batch_size)

    @property
    def images_per_epoch(self) -> int:
        """Images of an epoch: those of whole batches."""
        return self.num_batches * self.batch_size
