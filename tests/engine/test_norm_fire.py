"""Norm and neurons in one pass, compared with one after the other."""

from collections.abc import Callable
from typing import Any

import numba
import pytest
import torch
from torch import Tensor, nn

from uticket.engine.batch_last import BatchLast
from uticket.engine.by_spikes import BySpikes
from uticket.engine.layout import BatchFirst
from uticket.engine.lif import LIF
from uticket.engine.memory import ChannelsFirst
from uticket.engine.norm_fire import norm_fire

Way = Callable[[nn.BatchNorm2d, LIF, Tensor], Tensor]
SHAPES = [(3, 4, 5, 7, 6), (2, 1, 40, 40, 4), (5, 3, 1, 1, 2), (1, 2, 9, 9, 64)]  # channels, T, height, width, B
# T, images, channels, height, width: rows that end early, channels that are no whole row, more than one row has
LAST = [(4, 6, 3, 5, 7), (1, 4, 48, 20, 20), (3, 2, 5, 1, 1), (2, 30, 600, 3, 3), (4, 2, 64, 8, 8)]


def found_by(way: Way, x: Tensor, training: bool, spikes: int = 1, limit: float = 1.0) -> list[Tensor]:
    """Spikes, gradients and running statistics.

    x: (channels, T, height, width, B) or (T x B, channels, height, width). spikes: for each number of x. limit: of
    membranes.
    """
    channels = len(x) if x.dim() == 5 else x.shape[1]
    norm, neurons = nn.BatchNorm2d(channels), LIF(0.25, limit, 2.0 / limit)
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(0.8, 1.6, channels))
        norm.bias.copy_(torch.linspace(0.9, 0.3, channels))
        norm.running_mean.fill_(0.1)
    norm.train(training)
    ours = x.clone().requires_grad_()
    fired = way(norm, neurons, ours)
    torch.manual_seed(1)
    (fired * torch.randn(x.numel() * spikes).view(fired.shape)).sum().backward()
    return [fired.detach(), ours.grad, norm.weight.grad, norm.bias.grad, *norm.buffers()]


def both(ours: Way, plain: Way, x: Tensor, *how: Any) -> tuple[list[Tensor], list[Tensor]]:
    """What one pass finds, and one after the other, after a comparison of the two."""
    fused, expected = found_by(ours, x, *how), found_by(plain, x, *how)
    assert torch.equal(fused[0], expected[0])
    assert 0 < fused[0].mean() < 1
    for mine, theirs in zip(fused[1:], expected[1:], strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)
    return fused, expected


def channel_by_channel(norm: nn.BatchNorm2d, neurons: LIF, x: Tensor) -> Tensor:
    return norm_fire(norm, neurons, x, ChannelsFirst())


def batch_last(norm: nn.BatchNorm2d, neurons: LIF, x: Tensor) -> Tensor:
    return BatchLast({}).fire(neurons, BatchLast({}).norm(norm, x), x.shape[1])


def in_layout(layout: BatchFirst, timesteps: int) -> Way:
    return lambda norm, neurons, x: layout.norm_fire(norm, neurons, x, timesteps)


def drawn(shape: tuple[int, ...], scale: float = 1.0, offset: float = 0.0) -> Tensor:
    torch.manual_seed(0)
    return scale * torch.randn(shape) + offset


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_one_pass_gives_what_both_give_one_after_the_other(shape, training):
    both(channel_by_channel, batch_last, drawn(shape), training)


@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", LAST)
def test_one_pass_with_channels_last_gives_what_both_give_one_after_the_other(shape, training, order):
    timesteps = shape[0]
    x = drawn(shape).flatten(0, 1).contiguous(memory_format=order)
    both(in_layout(BySpikes([]), timesteps), in_layout(BatchFirst(), timesteps), x, training)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", LAST)
def test_currents_of_another_way_are_added(shape, training):
    timesteps, x = shape[0], drawn(shape).flatten(0, 1)
    added = []

    def way(layout: BatchFirst) -> Way:
        def run(norm: nn.BatchNorm2d, neurons: LIF, x: Tensor) -> Tensor:
            torch.manual_seed(2)
            added.append((torch.randn(x.shape) < 0).float().requires_grad_())
            return layout.norm_fire(norm, neurons, x, timesteps, added[-1])

        return run

    both(way(BySpikes([])), way(BatchFirst()), x, training)
    torch.testing.assert_close(added[0].grad, added[1].grad, atol=1e-5, rtol=1e-4)
    assert added[0].grad.any()


def test_gradients_of_many_numbers_with_channels_last():
    x = drawn((4 * 9, 64, 16, 16))  # the limit is far from all membranes: of as many, one is within rounding of 1
    ours, plain = (found_by(in_layout(layout, 4), x, True, 1, 20.0) for layout in (BySpikes([]), BatchFirst()))
    for mine, theirs in zip(ours, plain, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", LAST)
def test_images_drive_all_timesteps(shape, training):
    timesteps, x = shape[0], drawn(shape[1:])
    ours, plain = (
        lambda norm, neurons, x, layout=layout: layout.norm_encode(norm, neurons, x, timesteps)
        for layout in (BySpikes([]), BatchFirst())
    )
    both(ours, plain, x, training, timesteps)


def test_number_of_threads_changes_no_bit_with_channels_last():
    x, found, before = drawn((12, 48, 20, 20)), [], numba.get_num_threads()
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            found.append(found_by(in_layout(BySpikes([]), 4), x, True))
    finally:
        numba.set_num_threads(before)
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


@pytest.mark.parametrize(
    ("ours", "plain", "shape"),
    [
        (channel_by_channel, batch_last, (3, 4, 20, 20, 8)),
        (in_layout(BySpikes([]), 4), in_layout(BatchFirst(), 4), (32, 3, 20, 20)),
    ],
)
def test_statistics_of_values_far_from_zero_are_exact(ours, plain, shape):
    x = drawn(shape, scale=0.01, offset=50.0)
    (*_, mean, variance, count), (*_, expected_mean, expected_variance, expected_count) = (
        found_by(way, x, True) for way in (ours, plain)
    )
    torch.testing.assert_close(mean, expected_mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(variance, expected_variance, rtol=1e-5, atol=0)
    assert count == expected_count == 1


@pytest.mark.parametrize(
    ("way", "shape"), [(channel_by_channel, (1, 2, 3, 3, 2)), (in_layout(BySpikes([]), 2), (4, 1, 3, 3))]
)
def test_constant_channel_has_no_variance(way, shape):
    norm = nn.BatchNorm2d(1, momentum=1.0)
    way(norm, LIF(0.25, 1.0, 2.0), torch.full(shape, 7.0))
    assert norm.running_mean.item() == 7.0
    assert norm.running_var.item() == 0.0
