"""Which layers' outputs are added, found by following tensors."""

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

import uticket as ut
from tests.helpers import SMALL
from uticket.networks.network import build


class Fire(torch.autograd.Function):
    """Neurons with a surrogate gradient, as all libraries write them."""

    @staticmethod
    def forward(ctx: FunctionCtx, current: Tensor) -> Tensor:
        return (current > 0).float()


class Blocks(nn.Module):
    """A stem and two convolutions; `join` says what is done with their outputs."""

    def __init__(self, join: str) -> None:
        super().__init__()
        self.join = join
        self.one, self.two, self.three = (nn.Conv2d(4, 4, 3, padding=1) for _ in range(3))
        self.four = nn.Conv2d(4, 1, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        one = Fire.apply(self.norm(self.one(x)))
        two = self.two(one)
        if self.join == "add":
            return self.three(Fire.apply(two + one))
        if self.join == "in place":
            two += one
            return self.three(Fire.apply(two))
        if self.join == "into a buffer":
            buffer = torch.zeros(2, *two.shape)
            buffer[0], buffer[1] = two, one
            return self.three(Fire.apply(buffer[0] + buffer[1]))
        if self.join == "overwritten":
            held = one.clone()
            held.copy_(two)
            return self.three(one) + held
        if self.join == "pooled":
            return self.three(nn.functional.max_pool2d(two, 2) + nn.functional.avg_pool2d(one, 2))
        if self.join == "gate":
            return self.three(Fire.apply(two) * one)
        if self.join == "one gate for all channels":
            return self.three(Fire.apply(two) * self.four(one))
        if self.join == "all":
            return self.three(one) + two + one
        if self.join == "concatenated":
            return self.three(one) + torch.cat([two, one], 1)[:, 2:6]
        if self.join == "attention":
            scores = two.flatten(2).transpose(1, 2) @ one.flatten(2)
            return self.three((one.flatten(2) @ scores).view_as(one)) + scores.mean(-1)[:, :4, None, None]
        return self.three(Fire.apply(two))


@pytest.mark.parametrize(
    ("join", "summed"),
    [
        ("none", ""),
        ("add", "one two"),
        ("in place", "one two"),
        ("into a buffer", ""),  # what holds the outputs of several layers is not followed
        ("overwritten", "two three"),
        ("pooled", "one two"),
        ("gate", "one two"),
        ("one gate for all channels", ""),
        ("all", "one two three"),
        ("concatenated", ""),
        ("attention", ""),
    ],
)
def test_outputs_that_meet_elementwise_are_summed(join, summed):
    ticket = ut.capture(Blocks(join).eval(), torch.rand(2, 4, 6, 6), timesteps=1)
    found = {layer.name for layer in ticket.layers if layer.adds_to}
    assert found == set(summed.split())
    assert len({layer.adds_to for layer in ticket.layers} - {None}) == bool(summed)


def test_sums_may_be_given():
    ticket = ut.capture(Blocks("add"), torch.rand(2, 4, 6, 6), timesteps=1, adds_to={"two": "mine", "three": "mine"})
    assert [layer.adds_to for layer in ticket.layers] == [None, "mine", "mine"]


def test_sums_of_our_resnet_are_those_that_it_declares():
    network = build(SMALL.model_copy(update={"name": "resnet19"}), (1, 8, 8), 10, seed=0)
    declared = {n.name: n.adds_to for n in ut.capture(network, torch.rand(2, 1, 8, 8)).layers}
    del network.adds_to
    found = {n.name: n.adds_to for n in ut.capture(network, torch.rand(2, 1, 8, 8)).layers}
    assert sum(name is not None for name in declared.values()) == 11
    pairs = {(declared[name], found[name]) for name in declared}
    assert pairs == {(None, None), ("stage1", "sum1"), ("stage2", "sum2"), ("stage3", "sum3")}
