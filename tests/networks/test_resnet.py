import pytest
import torch
from torch import nn

from uticket.networks.resnet import Shortcut


@pytest.mark.parametrize("channels", [2, 4, 5, 8])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [7, 8])
def test_shortcut_and_its_gradients_are_those_of_double_precision(channels, stride, size):
    """PyTorch's own are wrong by 100 % for few channels and AVX2: run it with ONEDNN_MAX_CPU_ISA=AVX2 too."""
    torch.manual_seed(0)
    shortcut = Shortcut(channels, 8, stride).to(memory_format=torch.channels_last)
    x = torch.randn(12, channels, size, size).contiguous(memory_format=torch.channels_last).requires_grad_()
    y = shortcut(x)
    grad = torch.randn_like(y).contiguous(memory_format=torch.channels_last)
    y.backward(grad)
    exact = x.detach().double().requires_grad_(), shortcut.weight.detach().double().requires_grad_()
    expected = nn.functional.conv2d(*exact, stride=stride)
    expected.backward(grad.double())
    torch.testing.assert_close(y.double(), expected, atol=1e-5, rtol=1e-5)
    for found, right in zip((x.grad, shortcut.weight.grad), exact, strict=True):
        torch.testing.assert_close(found.double(), right.grad, atol=1e-4, rtol=1e-4)
