"""Networks of other libraries: what is captured is what their layers got."""

import re

import numpy as np
import pytest
import torch
from spikingjelly.activation_based.layer import Linear
from spikingjelly.activation_based.op_counter import DispatchCounterMode, SynOpCounter
from torch import nn

import uticket as ut
from tests.capturing.networks import BEGIN, CASES, DOCS, END, B, T, compared, drawn, table
from tests.helpers import between
from uticket.hardware.neurobench import meetings

CASE = {(case.library, case.network): case for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.library}-{case.network}")
def test_captured_spikes_are_those_of_a_hook(case):
    ticket, equal = compared(case)
    assert (ticket.timesteps, ticket.num_images) == (T, B)
    assert set(equal) == {layer.name for layer in ticket.layers if layer.reads in ("spikes", "counts")}
    assert all(equal.values())
    assert sum(ticket.spikes[name].mean() > 0 for name in equal) >= len(equal) - 1  # there is something to compare
    network, _ = drawn(case)
    for layer in ticket.layers:
        weight = network.get_submodule(layer.name.partition("@")[0]).weight.detach().numpy()
        assert np.array_equal(ticket.weights[layer.name].ravel(), weight.ravel())


def test_the_table_of_the_docs_is_that_of_these_networks():
    assert between(DOCS, BEGIN, END) == table()


def test_the_example_of_the_docs_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 15
    exec(compile(code, DOCS, "exec"), {})
    assert float(capsys.readouterr().out) > 0


def test_sums_image_counts_and_layers_that_never_run_are_found():
    reads = {name: {n.name: n.reads for n in compared(case)[0].layers} for (_, name), case in CASE.items()}
    assert reads["loop, direct encoding"] == {"conv1": "image", "conv2": "spikes", "fc": "spikes"}
    residual = compared(CASE["snnTorch", "residual sum, shared convolution, events"])[0]
    assert {n.name: (n.reads, n.adds_to) for n in residual.layers} == {
        "conv1": ("spikes", "sum1"),
        "shared": ("spikes", "sum1"),
        "shared@2": ("counts", "sum1"),
        "fc": ("counts", None),
    }
    assert residual.findings.factors == {"fc": 1 / 64}
    assert set(np.unique(residual.spikes["shared@2"])) == {0, 1, 2}
    looped = compared(CASE["snnTorch", "loop, direct encoding"])[0]
    assert looped.findings.never_called == ("unused",)
    for mode in ("single", "multi"):
        resnet = compared(CASE["SpikingJelly", f"ResNet, {mode}-step, events"])[0]
        sums = {n.name: n.adds_to for n in resnet.layers if n.adds_to}
        ends = {"block2.conv2": "sum2", "block2.downsample.0": "sum2"}
        assert sums == {"conv1": "sum1", "block1.conv2": "sum1", **ends}
    attention = reads["self-attention with Conv1d"]
    assert attention["attention.qkv_conv_bn.0"] == "spikes"
    assert (attention["mlp.0"], attention["head"]) == ("counts", "analog")


@pytest.mark.parametrize("name", ["ResNet, single-step, events", "ResNet, multi-step, events"])
def test_spike_counts_are_those_of_the_op_counter_of_spikingjelly(name):
    """It counts synaptic operations by module, pruned weights as well: those of spikes that meet any weight."""
    network, inputs = drawn(CASE["SpikingJelly", name])
    ticket = ut.capture(network, inputs)
    counter = SynOpCounter()
    with torch.no_grad(), DispatchCounterMode([counter]):
        network(inputs)
    for layer in ticket.layers:
        if layer.reads == "spikes":
            (counted,) = [sum(ops.values()) for key, ops in counter.records.items() if key == f"ResNet.{layer.name}"]
            spikes = ticket.spikes[layer.name].sum(axis=(0, 1))
            assert counted == (spikes * meetings(layer, np.ones(layer.weight_shape, bool))).sum()


def test_modules_that_say_different_timesteps_are_a_choice():
    class Shorter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = (Linear(3, 3, step_mode="m") for _ in range(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.two(self.one(x)[:2])

    line = (
        r"timesteps: expected one number from all modules, got several: pass timesteps=4 \(spikingjelly's Linear\) or"
    )
    with pytest.raises(ut.InputError, match=line):
        ut.capture(Shorter(), torch.rand(T, B, 3))


def test_a_network_is_captured_balanced_simulated_and_gets_its_mask_back():
    network, events = drawn(CASE["SpikingJelly", "ResNet, multi-step, events"])
    ticket = ut.prune(ut.capture(network, events), 0.9)
    assert ut.audit(ticket, ut.Array(pes=4)).utilization < 1
    balanced = ut.balance(ticket, ut.Array(pes=4), seed=0)
    cycles = ut.simulate(balanced, ut.Array(pes=4)).network.latency_cycles
    outputs = ut.apply(balanced, network)(events)

    assert cycles > 0
    assert outputs.shape == (T, B, 3)
    again = ut.capture(network, events)
    assert all(np.array_equal(again.mask[name], mask) for name, mask in balanced.mask.items())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.library}-{case.network}")
def test_membranes_start_anew_and_the_network_stays_as_it_is(case):
    network, inputs = drawn(case)
    expected = ut.capture(network, inputs)
    network(inputs)  # leaves membranes with gradients behind
    before = {name: values.clone() for name, values in network.state_dict().items()}
    hooks = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules()]
    captured = ut.capture(network.train(), inputs)
    assert network.training
    after = network.state_dict()
    assert set(after) == set(before)
    assert all(torch.equal(after[name], values) for name, values in before.items())
    assert hooks == [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules()]
    assert all(np.array_equal(captured.spikes[name], values) for name, values in expected.spikes.items())
