"""What an epoch shows: loss and accuracy, summed on the device while it lasts."""

from dataclasses import dataclass

import torch
from torch import Tensor

from uticket.training.evaluate import num_right
from uticket.training.ranks import Ranks


@dataclass(frozen=True)
class Epoch:
    """What one epoch showed: mean loss and accuracy over the augmented training images, accuracy on the test set."""

    epoch: int  # counted from 1
    loss: float
    train_accuracy: float  # in [0, 1]
    test_accuracy: float  # in [0, 1]


class Tally:
    """Loss and accuracy of an epoch so far, over this process's images, summed on the device."""

    def __init__(self, device: torch.device) -> None:
        self.count = 0  # images
        self.loss = torch.zeros((), device=device, dtype=torch.float64)  # sum over the images
        self.right = torch.zeros((), device=device, dtype=torch.int64)  # images

    def add(self, loss: Tensor, outputs: Tensor, labels: Tensor) -> None:
        """Add one batch: its mean loss, outputs (T, B, classes) and labels (B,)."""
        self.loss += loss * len(labels)
        self.right += num_right(outputs, labels)
        self.count += len(labels)

    def total(self, ranks: Ranks) -> "Tally":
        """Return the sums over all processes, which call this together."""
        total = Tally(self.loss.device)
        total.count = int(ranks.total(torch.tensor(self.count)))
        total.loss, total.right = ranks.total(self.loss), ranks.total(self.right)
        return total

    def means(self) -> tuple[float, float]:
        """Return mean loss and accuracy; waits for the device."""
        return self.loss.item() / self.count, self.right.item() / self.count
