import math

import pytest
import torch

from uticket.training.loss import mean_loss, per_step_loss


def test_losses_of_a_small_case_by_hand():
    outputs = torch.tensor([[[math.log(3.0), 0.0]], [[0.0, 0.0]]])  # probabilities 3/4 and 1/2 of class 0
    labels = torch.tensor([0])
    assert per_step_loss(outputs, labels).item() == pytest.approx(-(math.log(3 / 4) + math.log(1 / 2)) / 2)
    root = math.sqrt(3.0)
    assert mean_loss(outputs, labels).item() == pytest.approx(-math.log(root / (root + 1)))


def test_per_step_loss_pairs_outputs_and_labels():
    torch.manual_seed(0)
    outputs, labels = torch.randn(3, 4, 5), torch.tensor([0, 1, 2, 3])
    by_step = [torch.nn.functional.cross_entropy(output, labels) for output in outputs]
    torch.testing.assert_close(per_step_loss(outputs, labels), torch.stack(by_step).mean())
