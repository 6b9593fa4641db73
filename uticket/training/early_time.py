"""Early-time tickets: the search continues with the fewest timesteps whose outputs nearly match those of all T.

Source: LTH-SNN (Kim et al., ECCV 2022): after two epochs of the dense training, over up to 1,000 training images (here
spread evenly over the set), the Kullback-Leibler divergence of the classes after t timesteps from those after all,
divided by the largest over t; the first t below the threshold. The images are used as they are, without augmentation.
The published code of u-Ticket has the threshold 1.5, which no divergence reaches: it always continues with 2 timesteps.
"""

from dataclasses import replace

import torch
from torch import Tensor

from uticket.base.progress import log
from uticket.networks.network import SpikingNetwork
from uticket.training.batches import Images
from uticket.training.evaluate import TEST_BATCH

AFTER_EPOCH = 2
IMAGES = 1000
LEAST = 2  # timesteps: with one, neurons have no memory
LARGEST = 1.0  # divergence, since they are divided by the largest


def divergences(outputs: Tensor) -> dict[int, float]:
    """Return t -> divergence, 1 the largest, for t = 2 .. T - 1. outputs: (T, images, classes)."""
    so_far = outputs.double().cumsum(0) / torch.arange(1, len(outputs) + 1, device=outputs.device).view(-1, 1, 1)
    logarithms = so_far.log_softmax(2)
    apart = (logarithms[-1].exp() * (logarithms[-1] - logarithms)).sum(2).mean(1).tolist()
    found = {t: apart[t - 1] for t in range(LEAST, len(outputs))}
    largest = max(found.values(), default=0.0)
    return {t: value / largest if largest > 0 else 0.0 for t, value in found.items()}


def enough_timesteps(by_timesteps: dict[int, float], timesteps: int, threshold: float) -> int:
    """Return the first t whose divergence is below `threshold`, or all timesteps if there is none."""
    return next((t for t, value in by_timesteps.items() if value < threshold), timesteps)


@torch.no_grad()
def choose_timesteps(network: SpikingNetwork, images: Images, threshold: float) -> tuple[int, dict[int, float]]:
    """Return how many timesteps are enough for `network`, and the divergence of each number of them.

    Logs a threshold that chooses nothing.
    """
    if threshold > LARGEST:
        always = "prune.early_time_threshold %g is above %g, the largest divergence: it always chooses %d timesteps"
        log.info(always, threshold, LARGEST, LEAST)
    network.eval()
    spread = torch.linspace(0, len(images) - 1, min(IMAGES, len(images))).long().to(images.labels.device)  # all classes
    some = replace(images, images=images.images[spread], labels=images.labels[spread])
    found = divergences(torch.cat([network(batch) for batch, _ in some.in_order(TEST_BATCH)], 1))
    return enough_timesteps(found, network.timesteps, threshold), found
