"""Norm and neurons in one pass, compared with one after the other."""

import pytest
import torch
from torch import nn

from uticket.engine.batch_last import BatchLast
from uticket.engine.lif import LIF
from uticket.engine.norm_fire import norm_fire

SHAPES = [(3, 4, 5, 7, 6), (2, 1, 40, 40, 4), (5, 3, 1, 1, 2), (1, 2, 9, 9, 64)]


def both(shape, training: bool, scale: float = 1.0, offset: float = 0.0):
    """Spikes, gradients and running statistics of both ways."""
    torch.manual_seed(0)
    x = scale * torch.randn(shape) + offset
    weight = torch.randn(shape)
    found = []
    for fused in (True, False):
        norm, neurons = nn.BatchNorm2d(shape[0]), LIF(0.25, 1.0, 2.0)
        with torch.no_grad():
            norm.weight.copy_(torch.linspace(0.8, 1.6, shape[0]))
            norm.bias.copy_(torch.linspace(0.9, 0.3, shape[0]))
            norm.running_mean.fill_(0.1)
        norm.train(training)
        ours = x.clone().requires_grad_()
        layout = BatchLast({})
        spikes = norm_fire(norm, neurons, ours) if fused else layout.fire(neurons, layout.norm(norm, ours), shape[1])
        (spikes * weight).sum().backward()
        found.append((spikes.detach(), ours.grad, norm.weight.grad, norm.bias.grad, *norm.buffers()))
    return found


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_one_pass_gives_what_both_give_one_after_the_other(shape, training):
    fused, plain = both(shape, training)
    assert torch.equal(fused[0], plain[0])
    assert 0 < fused[0].mean() < 1
    for ours, theirs in zip(fused[1:], plain[1:], strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_statistics_of_values_far_from_zero_are_exact():
    (*_, mean, variance, count), (*_, expected_mean, expected_variance, expected_count) = both(
        (3, 4, 20, 20, 8), training=True, scale=0.01, offset=50.0
    )
    torch.testing.assert_close(mean, expected_mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(variance, expected_variance, rtol=1e-5, atol=0)
    assert count == expected_count == 1


def test_constant_channel_has_no_variance():
    norm = nn.BatchNorm2d(1, momentum=1.0)
    norm_fire(norm, LIF(0.25, 1.0, 2.0), torch.full((1, 2, 3, 3, 2), 7.0))
    assert norm.running_mean.item() == 7.0
    assert norm.running_var.item() == 0.0
