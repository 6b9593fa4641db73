"""What training makes small: the cross-entropy of the outputs over the timesteps (`train.loss`)."""

from torch import Tensor, nn


def per_step_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of each timestep's output, averaged. outputs: (T, B, classes); labels: (B,)."""
    return nn.functional.cross_entropy(outputs.flatten(0, 1), labels.repeat(len(outputs)))


def mean_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of the output averaged over the timesteps. outputs: (T, B, classes); labels: (B,)."""
    return nn.functional.cross_entropy(outputs.mean(0), labels)


LOSSES = {"per_step": per_step_loss, "mean": mean_loss}
