import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from uticket.engine.pool import MaxPool


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_pooling_is_pytorchs_with_equal_values_too(height, width, seed):
    torch.manual_seed(seed)
    x = torch.randint(0, 2, (3, height, width, 4)).float().requires_grad_()
    other = x.detach().permute(3, 0, 1, 2).clone().requires_grad_()
    y, expected = MaxPool.apply(x), nn.functional.max_pool2d(other, 2, ceil_mode=True)
    assert torch.equal(y.permute(3, 0, 1, 2), expected)
    grad = torch.randn_like(y)
    y.backward(grad)
    expected.backward(grad.permute(3, 0, 1, 2))
    assert torch.equal(x.grad.permute(3, 0, 1, 2), other.grad)
