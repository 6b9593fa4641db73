import math

import pytest
import torch
from torch import nn

from uticket.training.sgd import SGD


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_steps_are_those_of_pytorch(brief, momentum):
    settings = brief.model_copy(update={"momentum": momentum, "weight_decay": 0.01})
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(3, 2)).to(memory_format=torch.channels_last)
    theirs = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(3, 2))
    theirs.load_state_dict(ours.state_dict())
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=momentum, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 7)
    steps = SGD(ours, settings, 7)
    for _ in range(7):
        images = torch.randn(5, 2, 3, 3)
        for network, taken in ((ours, steps), (theirs, optimizer)):
            taken.zero_grad()
            network(images).square().sum().backward()
            taken.step()
        schedule.step()
        assert steps.rate == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    assert steps.rate == pytest.approx(0.0, abs=1e-12)


def test_rate_falls_along_a_cosine(brief):
    steps = SGD(nn.Linear(1, 1), brief, 4)
    rates = []
    for steps.steps in range(5):
        rates.append(steps.rate)
    root = math.sqrt(0.5)
    assert rates == pytest.approx([0.1, 0.05 * (1 + root), 0.05, 0.05 * (1 - root), 0.0])
