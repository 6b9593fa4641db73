"""Accuracy of a network on a set of images."""

import torch
from torch import Tensor

from uticket.snn.batches import Images
from uticket.snn.models import SpikingNetwork

TEST_BATCH = 256


@torch.no_grad()
def accuracy(network: SpikingNetwork, images: Images) -> float:
    """Return the share of `images` whose class has the largest output averaged over the timesteps, in [0, 1]."""
    network.eval()
    right = sum(num_right(network(batch), labels) for batch, labels in images.in_order(TEST_BATCH))
    return float(right) / len(images)


def num_right(outputs: Tensor, labels: Tensor) -> Tensor:
    """Count the images whose class has the largest output averaged over the timesteps. outputs: (T, B, classes)."""
    return (outputs.mean(0).argmax(1) == labels).sum()
