"""How many images a network classifies right."""

import torch
from torch import Tensor

from uticket.networks.network import SpikingNetwork
from uticket.training.batches import Images
from uticket.training.ranks import ALONE, Ranks

TEST_BATCH = 256


@torch.no_grad()
def accuracy(network: SpikingNetwork, images: Images, ranks: Ranks = ALONE) -> float:
    """Return the share of `images` whose class has the largest output averaged over the timesteps, in [0, 1].

    ranks: processes that share the work.
    """
    network.eval()
    right = torch.zeros((), dtype=torch.int64, device=images.labels.device)
    for number, (batch, labels) in enumerate(images.in_order(TEST_BATCH)):
        if number % ranks.world == ranks.rank:
            right += num_right(network(batch), labels)
    return float(ranks.total(right)) / len(images)


def num_right(outputs: Tensor, labels: Tensor) -> Tensor:
    """Count the images whose class has the largest output averaged over the timesteps. outputs: (T, B, classes)."""
    return (outputs.mean(0).argmax(1) == labels).sum()
