"""The steps of a network, and what is no step."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from tests.exchange.networks import lively
from uticket.base.errors import InputError
from uticket.engine.layout import BatchFirst
from uticket.exchange.wiring import wire
from uticket.networks.own import OwnNetwork
from uticket.networks.vgg import VGG

SHAPE = (1, 8, 8)


def test_a_vgg_is_a_row_of_steps(small):
    network = lively(small, SHAPE)
    steps = wire(network, SHAPE)
    assert [step.kind for step in steps[:7]] == ["input", "conv", "norm", "fire", "conv", "norm", "fire"]
    assert [step.kind for step in steps[-2:]] == ["mean", "linear"]
    assert [step.name for step in steps if step.kind == "fire"] == [f"lif{number}" for number in range(1, 7)]
    assert all(step.inputs == (before.name,) for before, step in pairwise(steps))
    assert next(step for step in steps if step.kind == "pool").shape == (4, 4, 4)
    assert steps[-1].shape == (5,)
    assert isinstance(network.layout, BatchFirst)
    assert type(network.layout).__name__ == "BatchFirst"  # as before
    assert network.timesteps == 3


def test_both_ways_of_a_residual_block_are_added(small):
    steps = {step.name: step for step in wire(lively(small.model_copy(update={"name": "resnet19"}), SHAPE), SHAPE)}
    sums = [step for step in steps.values() if step.kind == "add"]
    assert [step.inputs for step in sums[:2]] == [
        ("stage1.block1.norm2", "stage1.block1.shortcut_norm"),
        ("stage1.block2.norm2", "stage1.block1.lif2"),
    ]
    assert steps["stage1.block1.shortcut"].inputs == ("lif1",)
    assert steps["lif2"].shape == (32,)


class Twice(nn.Module):
    def forward(self, x):
        return x + x


class Pooled(nn.Module):
    def forward(self, x):
        return nn.functional.max_pool2d(x, 2)


class Choosing(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class OddVGG(VGG):
    """A network that does something to the spikes of its first layer."""

    def encoded(self, *given):
        return self.odd(super().encoded(*given))


@pytest.mark.parametrize(
    ("odd", "got"),
    [(Twice(), "add"), (Pooled(), "max_pool2d"), (nn.Dropout(), "dropout"), (Choosing(), "control flow")],
)
def test_other_steps_are_named_in_one_line(small, odd, got):
    network = lively(small, SHAPE)
    network.odd = odd
    network.__class__ = OddVGG
    with pytest.raises(InputError) as error:
        wire(network, SHAPE)
    assert str(error.value).startswith("model.name: expected ")
    assert got in str(error.value)
    assert "\n" not in str(error.value)
    with torch.no_grad():
        assert network(torch.ones(1, *SHAPE)).shape == (3, 1, 5)  # runs as before


def test_padding_that_is_not_zero_is_no_step(small):
    network = lively(small, SHAPE)
    network.conv2.padding_mode = "circular"
    with pytest.raises(InputError, match="got .*conv2"):
        wire(network, SHAPE)


def test_a_module_of_any_other_kind_is_refused(small):
    with pytest.raises(InputError, match="model.name: expected a SpikingNetwork of uticket, .* got Sequential"):
        wire(OwnNetwork(small, nn.Sequential(nn.Flatten(), nn.Linear(64, 5))), SHAPE)
