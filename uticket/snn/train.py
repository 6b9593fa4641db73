"""Training and testing of one network."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from tqdm import tqdm

from uticket.errors import InputError
from uticket.params import Train
from uticket.progress import bar, log
from uticket.snn.batches import Images
from uticket.snn.masking import MaskedWeights
from uticket.snn.models import SpikingNetwork

TEST_BATCH = 256
SECONDS_BETWEEN_FIGURES = 0.5  # reading a loss makes a GPU wait, so the bar does not get one in every step


@dataclass(frozen=True)
class Epoch:
    """What one epoch showed: mean loss and accuracy over the augmented training images, accuracy on the test set."""

    epoch: int
    loss: float
    train_accuracy: float  # in [0, 1]
    test_accuracy: float  # in [0, 1]


def train(
    network: SpikingNetwork, masked: MaskedWeights, images: Images, test: Images, settings: Train, seed: int, what: str
) -> Iterator[Epoch]:
    """Train `network` in place and yield what each epoch showed.

    SGD with momentum, weight decay and a cosine schedule over all steps. masked: the weights held at zero.
    seed: decides the order and the augmentation of the images. what: names the run in the progress bar and the log.
    Raises InputError if the loss becomes infinite or NaN.
    """
    rng = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    steps = images.num_batches(settings.batch_size) * settings.epochs
    schedule = CosineAnnealingLR(optimizer, steps)
    loss_of = LOSSES[settings.loss]
    with bar(None, what, "images", total=steps * min(settings.batch_size, len(images))) as progress:
        for epoch in range(1, settings.epochs + 1):
            network.train()
            tally = Tally(images.labels.device, progress, f"{epoch}/{settings.epochs}")
            for batch, labels in images.shuffled(settings.batch_size, settings.augment, rng):
                outputs = network(batch)
                loss = loss_of(outputs, labels)
                optimizer.zero_grad()
                loss.backward()
                masked.zero_gradients()
                optimizer.step()
                schedule.step()
                tally.add(loss.detach(), outputs.detach(), labels)
            rate = tally.images_per_second()
            shown = Epoch(epoch, *tally.means(), accuracy(network, test))
            if not math.isfinite(shown.loss):
                raise InputError(
                    f"{what}: expected a finite loss, came {shown.loss} in epoch {epoch}; lower train.learning_rate"
                )
            figures = f"loss {shown.loss:.4f}  accuracy {shown.train_accuracy:.4f}  test {shown.test_accuracy:.4f}"
            log.info("%s  epoch %d/%d  %s  %.0f images/s", what, epoch, settings.epochs, figures, rate)
            yield shown


def per_step_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each timestep's output, averaged. outputs: (T, B, classes); labels: (B,)."""
    return nn.functional.cross_entropy(outputs.flatten(0, 1), labels.repeat(len(outputs)))


def mean_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the output averaged over the timesteps. outputs: (T, B, classes); labels: (B,)."""
    return nn.functional.cross_entropy(outputs.mean(0), labels)


LOSSES = {"per_step": per_step_loss, "mean": mean_loss}


@torch.no_grad()
def accuracy(network: SpikingNetwork, images: Images) -> float:
    """Return the share of `images` whose class has the largest output averaged over the timesteps, in [0, 1]."""
    network.eval()
    right = sum(_num_right(network(batch), labels) for batch, labels in images.in_order(TEST_BATCH))
    return float(right) / len(images)


def _num_right(outputs: Tensor, labels: Tensor) -> Tensor:
    return (outputs.mean(0).argmax(1) == labels).sum()


class Tally:
    """Loss and accuracy of an epoch so far, summed on the device and shown on the bar now and then."""

    def __init__(self, device: torch.device, progress: "tqdm[Any]", epoch: str) -> None:
        self._count = 0
        self._loss = torch.zeros((), device=device, dtype=torch.float64)
        self._right = torch.zeros((), device=device, dtype=torch.int64)
        self._progress, self._epoch = progress, epoch
        self._started = self._shown = time.monotonic()

    def add(self, loss: Tensor, outputs: Tensor, labels: Tensor) -> None:
        """Add one batch: its mean loss, outputs (T, B, classes) and labels (B,)."""
        self._loss += loss * len(labels)
        self._right += _num_right(outputs, labels)
        self._count += len(labels)
        self._progress.update(len(labels))
        if not self._progress.disable and time.monotonic() - self._shown > SECONDS_BETWEEN_FIGURES:
            self._shown = time.monotonic()
            loss_so_far, accuracy_so_far = self.means()
            self._progress.set_postfix_str(
                f"epoch {self._epoch}, loss {loss_so_far:.3f}, accuracy {accuracy_so_far:.3f}"
            )

    def means(self) -> tuple[float, float]:
        """Return mean loss and accuracy."""
        return self._loss.item() / self._count, self._right.item() / self._count

    def images_per_second(self) -> float:
        """Return the speed of training since the epoch began."""
        return self._count / (time.monotonic() - self._started)
