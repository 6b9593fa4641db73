"""The convolution by kept weights, compared with PyTorch's."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from uticket.engine.sparse import KeptWeights, SparseConv


@settings(max_examples=300, deadline=None)
@given(
    channels=st.integers(1, 4),
    filters=st.integers(1, 5),
    kernel=st.sampled_from([1, 2, 3]),
    stride=st.sampled_from([1, 2, 3]),
    padding=st.integers(0, 1),
    size=st.tuples(st.integers(3, 6), st.integers(3, 6)),
    density=st.sampled_from([0.0, 0.1, 0.9]),
    seed=st.integers(0, 99),
)
def test_sparse_convolution_is_pytorchs(channels, filters, kernel, stride, padding, size, density, seed):
    torch.manual_seed(seed)
    mask = torch.rand(filters, channels, kernel, kernel) < density
    weight = (torch.randn(mask.shape) * mask).requires_grad_()
    x = torch.randn(channels, 2, *size, 3, requires_grad=True)
    y = SparseConv.apply(x, weight, KeptWeights.of(mask.numpy(), stride, padding))
    folded = x.detach().permute(1, 4, 0, 2, 3).flatten(0, 1).requires_grad_()
    dense = weight.detach().clone().requires_grad_()
    expected = nn.functional.conv2d(folded, dense, stride=stride, padding=padding)
    torch.testing.assert_close(y.permute(1, 4, 0, 2, 3).flatten(0, 1), expected, atol=1e-5, rtol=1e-4)
    grad = torch.randn_like(y)
    y.backward(grad)
    expected.backward(grad.permute(1, 4, 0, 2, 3).flatten(0, 1))
    torch.testing.assert_close(x.grad.permute(1, 4, 0, 2, 3).flatten(0, 1), folded.grad, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(weight.grad, dense.grad * mask, atol=1e-4, rtol=1e-4)
