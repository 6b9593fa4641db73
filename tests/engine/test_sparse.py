"""The convolution by kept weights, compared with PyTorch's."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from uticket.engine.sparse import KeptWeights, SparseConv


def check(mask: torch.Tensor, stride: int, padding: int, size: tuple[int, int], images: int = 3) -> None:
    """Compare outputs and gradients of random weights and inputs."""
    weight = (torch.randn(mask.shape) * mask).requires_grad_()
    x = torch.randn(mask.shape[1], 2, *size, images, requires_grad=True)
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


SHAPES = {
    "channels": st.integers(1, 4),
    "kernel": st.sampled_from([1, 2, 3]),
    "padding": st.integers(0, 1),
    "size": st.tuples(st.integers(3, 6), st.integers(3, 6)),
    "density": st.sampled_from([0.0, 0.1, 0.9]),
    "seed": st.integers(0, 99),
}


@settings(max_examples=300, deadline=None)
@given(filters=st.integers(1, 5), stride=st.sampled_from([1, 2, 3]), **SHAPES)
def test_sparse_convolution_is_pytorchs(channels, filters, kernel, stride, padding, size, density, seed):
    torch.manual_seed(seed)
    check(torch.rand(filters, channels, kernel, kernel) < density, stride, padding, size)


@settings(max_examples=200, deadline=None)
@given(teams=st.lists(st.integers(1, 9), min_size=1, max_size=3), stride=st.sampled_from([1, 1, 1, 2]), **SHAPES)
def test_filters_of_a_team_are_pytorchs(channels, teams, kernel, stride, padding, size, density, seed):
    torch.manual_seed(seed)
    patterns = torch.rand(len(teams), channels, kernel, kernel) < density
    mask = patterns.repeat_interleave(torch.tensor(teams), dim=0)
    check(mask[torch.randperm(len(mask))], stride, padding, size)


@pytest.mark.parametrize("width", [1, 2, 3, 7])
@pytest.mark.parametrize("channels", range(1, 6))  # so that four positions of a row begin and end at any shift
@pytest.mark.parametrize("teams", [[4], [1, 8], [3, 4, 2]])
def test_positions_of_several_shifts_stay_inside(teams, channels, width):
    torch.manual_seed(channels)
    mask = torch.rand(len(teams), channels, 3, 3) < 0.9
    check(mask.repeat_interleave(torch.tensor(teams), dim=0), 1, 1, (3, width), images=17)
