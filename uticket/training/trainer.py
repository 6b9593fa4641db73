"""One step of a training."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from uticket.base.seeds import torch_seed
from uticket.networks.network import seed_draws
from uticket.training.job import Job
from uticket.training.loss import LOSSES
from uticket.training.ranks import ALONE, Ranks
from uticket.training.running import Forward, forward_of
from uticket.training.state import TrainingState


@dataclass(frozen=True)
class Trainer:
    """A job as the processes `ranks` run it, in the layout that the network has."""

    job: Job
    ranks: Ranks
    forward: Forward

    @classmethod
    def of(cls, job: Job, ranks: Ranks = ALONE) -> Self:
        """Wrap and compile the network as the settings say. Raises InputError if the device cannot do that."""
        return cls(job, ranks, forward_of(job, ranks))

    def step(self, state: TrainingState, chosen: Tensor) -> None:
        """Take one step on the images of the numbers `chosen`, of which each process takes its share."""
        job, ranks, images = self.job, self.ranks, self.job.images
        augmented = images.augmented(images.images[chosen], job.settings.augment, state.rng)
        batch, labels = ranks.share(augmented), ranks.share(images.labels[chosen])
        # what a network of one's own draws, as dropout does, is the same after a restart
        seed_draws(torch_seed(job.seed, "forward", state.optimizer.steps, ranks.rank), job.device)
        outputs = self.forward(batch)
        loss = LOSSES[job.settings.loss](outputs, labels)
        state.optimizer.zero_grad()
        (loss * (len(labels) * ranks.world / len(chosen))).backward()  # the mean over processes is that over images
        job.masked.zero_gradients()
        state.optimizer.step()
        state.tally.add(loss.detach(), outputs.detach(), labels)
