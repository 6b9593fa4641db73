"""Where a training is between two steps: all that the next one depends on, beside its job."""

from collections.abc import Iterator

import torch
from torch import Tensor

from uticket.training.checkpoint import State, copy_state
from uticket.training.cost import Stopwatch
from uticket.training.job import Job
from uticket.training.sgd import SGD
from uticket.training.tally import Epoch, Tally


class TrainingState:
    """Momenta, learning rate, random numbers, the place in the epoch, and what was found so far.

    The weights and the number of timesteps are those of the job's network. `uticket.training.saved` turns all of it
    into what a file holds, and back.
    """

    def __init__(self, job: Job) -> None:
        self.network, self.device = job.network, job.device
        self.rng = torch.Generator().manual_seed(job.seed)
        self.optimizer = SGD(job.network, job.settings, job.num_batches * job.settings.epochs)
        self.epochs: list[Epoch] = []
        self.order: Tensor | None = None  # of the images of this epoch; None between two epochs
        self.batch = 0  # batches of this epoch that are done
        self.tally = Tally(job.device)
        self.stopwatch = Stopwatch()
        self.rewind: State | None = copy_state(job.network) if job.rewind_epoch == 0 else None
        self.divergences: dict[int, float] = {}  # by timesteps, if they were chosen
        self.settled = False  # whether the search may end before its last epoch

    def ended(self, num_epochs: int) -> bool:
        """Return whether no epoch is left, or none is needed."""
        return len(self.epochs) == num_epochs or self.settled

    def begin_epoch(self, order: Tensor) -> None:
        """Go to the first batch of an epoch. order: the numbers of its images."""
        self.order, self.batch, self.tally = order, 0, Tally(self.device)
        self.stopwatch.start()

    def batches_left(self, batch_size: int) -> Iterator[Tensor]:
        """Yield the numbers of the images of each batch that is left; a batch counts as done once it is asked for."""
        assert self.order is not None, "begin_epoch comes first"
        for chosen in self.order.split(batch_size)[self.batch :]:
            self.batch += 1
            yield chosen

    def end_epoch(self, epoch: Epoch, rewind_epoch: int | None) -> None:
        """Note what an epoch showed, and copy the network if tickets rewind to it."""
        self.epochs.append(epoch)
        self.stopwatch.stop()
        self.order, self.batch = None, 0
        if epoch.epoch == rewind_epoch:
            self.rewind = copy_state(self.network)
