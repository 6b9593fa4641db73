"""Convolutions that compute where a spike is, compared with adding by hand and with PyTorch's."""

from dataclasses import replace

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

from uticket.engine.by_spikes import BySpikes
from uticket.engine.layout import BatchFirst
from uticket.engine.spike_conv import SpikeBits, SpikeConv, computes_by_spikes, input_gradient_by_position


def drawn(shape: tuple[int, ...], density: float) -> Tensor:
    return (torch.rand(shape) < density).float()


def by_spikes(x: Tensor, weight: Tensor) -> Tensor:
    """Convolve by spikes, however many there are."""
    return SpikeConv.apply(x, weight, replace(SpikeBits.of(x), density=0.0))


def added_by_hand(x: Tensor, weight: Tensor, grad_out: Tensor) -> tuple[Tensor, Tensor]:
    """Output and gradient of the weight, one spike after another, in double precision."""
    height, width = x.shape[2:]
    out, grad = torch.zeros(grad_out.shape).double(), torch.zeros(weight.shape).double()
    for n, c, y, x_ in x.nonzero().tolist():
        for row in range(3):
            for column in range(3):
                to, beside = y + 1 - row, x_ + 1 - column
                if 0 <= to < height and 0 <= beside < width:
                    out[n, :, to, beside] += weight[:, c, row, column]
                    grad[:, c, row, column] += grad_out[n, :, to, beside]
    return out, grad


@settings(max_examples=60, deadline=None)
@given(
    images=st.integers(1, 4),
    height=st.integers(1, 9),
    width=st.integers(1, 40),
    channels=st.sampled_from([16, 32]),
    filters=st.sampled_from([64, 128]),
    density=st.sampled_from([0.0, 0.003, 0.02]),
    seed=st.integers(0, 99),
)
def test_rows_are_added_where_a_spike_is(images, height, width, channels, filters, density, seed):
    torch.manual_seed(seed)
    x, weight = drawn((images, channels, height, width), density), torch.randn(filters, channels, 3, 3)
    grad_out = torch.randn(images, filters, height, width)
    y = by_spikes(x, weight.requires_grad_())
    y.backward(grad_out)
    out, grad = added_by_hand(x, weight.detach(), grad_out)
    torch.testing.assert_close(y.double(), out, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(weight.grad.double(), grad, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("density", [0.1, 0.5, 1.0])
@pytest.mark.parametrize(("images", "side", "channels", "filters"), [(5, 8, 32, 64), (3, 17, 16, 128), (70, 2, 48, 64)])
def test_outputs_and_gradients_are_pytorchs(images, side, channels, filters, density):
    torch.manual_seed(0)
    x = drawn((images, channels, side, side), density)
    weight = (torch.randn(filters, channels, 3, 3) / 10).contiguous(memory_format=torch.channels_last)
    grad_out, found = torch.randn(images, filters, side, side), []
    for convolve in (by_spikes, lambda x, w: nn.functional.conv2d(x, w, padding=1)):
        ours, w = x.clone().requires_grad_(), weight.clone().requires_grad_()
        y = convolve(ours, w)
        y.backward(grad_out)
        found.append((y.detach(), ours.grad, w.grad))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
    assert found[0][2].stride() == weight.stride()  # or each step would copy the gradient


def test_number_of_threads_changes_no_bit():
    torch.manual_seed(0)
    x, weight, grad_out = drawn((9, 32, 12, 12), 0.2), torch.randn(64, 32, 3, 3), torch.randn(9, 64, 12, 12)
    found, before = [], numba.get_num_threads()
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            w = weight.clone().requires_grad_()
            y = by_spikes(x, w)
            y.backward(grad_out)
            found.append((y.detach(), w.grad))
    finally:
        numba.set_num_threads(before)
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (1, 5), (3, 4), (4, 4)])
def test_products_by_position_give_the_gradient_of_the_input(height, width):
    torch.manual_seed(0)
    weight, grad_out = torch.randn(6, 5, 3, 3), torch.randn(7, 6, height, width)
    shape = (7, 5, height, width)
    expected = conv2d_input(shape, weight, grad_out, padding=1)
    torch.testing.assert_close(input_gradient_by_position(shape, weight, grad_out), expected, atol=1e-4, rtol=1e-4)


def test_spikes_are_counted():
    x = torch.zeros(2, 16, 3, 3)
    x[0, 3, 1, 1] = x[1, 15, 2, 2] = x[1, 0, 0, 0] = 1
    x[0, 0, 0, 0] = -0.0
    assert SpikeBits.of(x).density == pytest.approx(3 / x.numel())
    assert sum(int(word).bit_count() for word in SpikeBits.of(x).bits.numpy().view(np.uint16).ravel()) == 3


@pytest.mark.parametrize("value", [0.5, 2.0, -1.0, float("nan"), 1e-30])
def test_other_numbers_are_no_spikes(value):
    x = drawn((2, 16, 3, 3), 0.2)
    x[1, 7, 2, 1] = value
    assert SpikeBits.of(x) is None


@pytest.mark.parametrize(
    "other",
    [
        {"kernel_size": 1, "padding": 0},
        {"stride": 2},
        {"padding": 0},
        {"padding": "same"},
        {"padding_mode": "circular"},
        {"dilation": 2, "padding": 2},
        {"groups": 2},
        {"bias": True},
        {"in_channels": 24},
        {"out_channels": 96},
    ],
)
def test_which_convolutions_the_loops_run(other):
    plain = {"in_channels": 32, "out_channels": 64, "kernel_size": 3, "padding": 1, "bias": False}
    assert computes_by_spikes(nn.Conv2d(**plain))
    assert not computes_by_spikes(nn.Conv2d(**plain | other))


@pytest.mark.parametrize(
    ("density", "scale", "ours"), [(0.2, 1, True), (0.3, 1, True), (0.6, 1, False), (0.2, 2, False)]
)
def test_layout_convolves_as_pytorch_does(density, scale, ours):
    """By spikes where there are few of them; numbers of spikes, as after a residual sum, are left to PyTorch."""
    torch.manual_seed(0)
    module = nn.Conv2d(32, 64, 3, padding=1, bias=False).to(memory_format=torch.channels_last)
    x = scale * drawn((6, 32, 5, 5), density)
    y = BySpikes([module]).conv(module, x)
    assert (type(y.grad_fn).__name__ == "SpikeConvBackward") == ours
    torch.testing.assert_close(y, BatchFirst().conv(module, x), atol=1e-5, rtol=1e-4)
    y.sum().backward()
    of_layout, module.weight.grad = module.weight.grad, None
    module(x).sum().backward()
    torch.testing.assert_close(of_layout, module.weight.grad, atol=1e-4, rtol=1e-4)
