import math

import pytest
import snntorch
import torch

from uticket.engine.lif import LIF, LIFSteps

LEAK, THRESHOLD, ALPHA = 0.25, 1.0, 2.0


class Spike(torch.autograd.Function):
    """A step whose gradient is the ATan surrogate."""

    @staticmethod
    def forward(ctx, distance):
        ctx.save_for_backward(distance)
        return (distance >= 0).to(distance.dtype)

    @staticmethod
    def backward(ctx, grad):
        (distance,) = ctx.saved_tensors
        return grad * ALPHA / 2 / (1 + (math.pi / 2 * ALPHA * distance) ** 2)


def plain_loop(current: torch.Tensor, leak: float = LEAK) -> torch.Tensor:
    """The neuron step by step, left to autograd, with the reset detached."""
    membrane = torch.zeros_like(current[0])
    spikes = []
    for arriving in current:
        membrane = leak * membrane + (1 - leak) * arriving
        spike = Spike.apply(membrane - THRESHOLD)
        spikes.append(spike)
        membrane = membrane * (1 - spike.detach())
    return torch.stack(spikes)


def test_membrane_through_a_spike_and_its_reset_by_hand():
    # u: 0.75, 0.25 * 0.75 + 0.9 = 1.0875 (spike, reset), 0.6, 0.25 * 0.6 + 0.85 = 1.0 (at the threshold: spike)
    current = torch.tensor([1.0, 1.2, 0.8, 0.85 / 0.75], dtype=torch.float64)[:, None]
    spikes = LIFSteps.apply(current, LEAK, THRESHOLD, ALPHA)
    assert spikes.flatten().tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("shape", [(1, 5), (4, 6), (4, 2, 3, 5, 5), (7, 3, 2)])
@pytest.mark.parametrize("leak", [0.0, 0.25, 0.9])
def test_spikes_and_gradients_are_those_of_the_plain_loop(shape, leak):
    torch.manual_seed(0)
    current = (2 / (1 - leak) * torch.randn(shape, dtype=torch.float64)).requires_grad_()
    weight = torch.randn(shape, dtype=torch.float64)
    spikes = LIFSteps.apply(current, leak, THRESHOLD, ALPHA)
    (grad,) = torch.autograd.grad((spikes * weight).sum(), current)
    expected = plain_loop(current, leak)
    (expected_grad,) = torch.autograd.grad((expected * weight).sum(), current)
    assert torch.equal(spikes, expected)
    torch.testing.assert_close(grad, expected_grad)
    assert 0 < spikes.mean() < 1


def test_a_current_that_is_the_same_in_all_timesteps_gets_the_sum_of_the_gradients():
    torch.manual_seed(0)
    current = (2 * torch.randn(3, 4, dtype=torch.float64)).requires_grad_()
    weight = torch.randn(5, 3, 4, dtype=torch.float64)
    (grad,) = torch.autograd.grad((LIFSteps.apply(current.expand(5, 3, 4), LEAK, 1.0, ALPHA) * weight).sum(), current)
    (expected,) = torch.autograd.grad((plain_loop(current.expand(5, 3, 4)) * weight).sum(), current)
    torch.testing.assert_close(grad, expected)


def test_memory_layout_does_not_matter():
    torch.manual_seed(0)
    current = 2 * torch.randn(4 * 2, 3, 5, 5)
    last = current.contiguous(memory_format=torch.channels_last)
    plain, folded = (LIFSteps.apply(c.unflatten(0, (4, 2)), LEAK, THRESHOLD, ALPHA) for c in (current, last))
    assert torch.equal(plain, folded)


def test_neurons_are_snntorch_neurons_and_fire_like_them():
    torch.manual_seed(0)
    current = 2 * torch.randn(6, 50)
    ours = LIF(LEAK, THRESHOLD, ALPHA)
    reference = snntorch.Leaky(beta=LEAK, threshold=THRESHOLD, reset_mechanism="zero", reset_delay=False)
    membrane, expected = reference.reset_mem(), []
    for arriving in current:
        spike, membrane = reference((1 - LEAK) * arriving, membrane)
        expected.append(spike)
    assert isinstance(ours, snntorch.Leaky)
    assert torch.equal(ours(current), torch.stack(expected))


def test_each_call_starts_from_rest():
    neurons = LIF(LEAK, THRESHOLD, ALPHA)
    current = torch.full((1, 3), 1.2)
    assert torch.equal(neurons(current), neurons(current))
