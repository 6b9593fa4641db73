"""The neurons on a device against the plain steps: all types and layouts, equal spikes, nearly equal gradients."""

import pytest
import torch

from uticket.engine import lif_steps
from uticket.engine.lif import LIF, engine

CONSTANTS = 0.25, 1.0, 2.0  # leak, threshold of a spike, alpha


def compare(current: torch.Tensor) -> None:
    leak, spike_threshold, _ = CONSTANTS
    current = current.detach().requires_grad_()
    spikes = LIF(*CONSTANTS)(current)
    toward = torch.randn(current.shape).to(current)
    (grad,) = torch.autograd.grad(spikes, current, toward)
    expected, membrane = lif_steps.forward(current.detach(), leak, spike_threshold, 0)
    assert torch.equal(spikes, expected)
    assert 0 < spikes.float().mean() < 1
    close = {"rtol": 1e-5, "atol": 1e-6} if current.dtype == torch.float32 else {"rtol": 0.01, "atol": 1e-3}
    torch.testing.assert_close(grad, lif_steps.backward(toward, membrane, *CONSTANTS, 0), **close)


def test_each_device_has_its_engine(device):
    name = "lif_gpu" if device.type == "cuda" else "lif_cpu"
    assert engine(torch.zeros(4, 2, device=device)).__name__ == f"uticket.engine.{name}"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("shape", [(1, 5), (4, 1), (4, 6), (4, 2, 3, 9, 5), (3, 2100), (16, 3, 64)])
def test_spikes_and_gradients_are_those_of_the_plain_steps(device, shape, dtype):
    torch.manual_seed(0)
    compare((2 * torch.randn(shape) + 0.5).to(device, dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_any_layout_and_a_current_that_is_the_same_in_all_timesteps(device, dtype):
    torch.manual_seed(0)
    images = (2 * torch.randn(8, 3, 5, 5) + 0.5).to(device, dtype)
    last = images.contiguous(memory_format=torch.channels_last)
    compare(last.unflatten(0, (4, 2)))
    compare(last.expand(4, *last.shape))
    compare(images.expand(4, *images.shape))
    compare(images.unflatten(0, (2, 4)).transpose(0, 1))
    compare(images.unflatten(0, (4, 2)).transpose(2, 3))
