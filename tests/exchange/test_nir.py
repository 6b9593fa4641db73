"""nir: what we write runs in other simulators with the same spikes in every layer and timestep.

With nir 1.0.4 and nirtorch 2.0.2 of the lock, norse runs all but convolutions in shortcuts (it walks the graph depth
first), and snnTorch all but sums (it gives the second part to a module as its state).
"""

import contextlib
import io

import h5py
import nir
import nirtorch
import norse.torch
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from snntorch.import_nir import _nir_to_snntorch_module, import_from_nir
from torch import nn

from tests.exchange.networks import images_of, lively, run, saved, write_params
from uticket.base.errors import InputError
from uticket.engine import lif_steps
from uticket.exchange.nir import DT, folded, in_order, neurons, to_nir, write_nir
from uticket.exchange.wiring import Step, wire
from uticket.networks.network import weight_layers
from uticket.ticket.ticket import Ticket

ODD = (1, 7, 9)  # pooled to 4 x 5, then 2 x 3


def in_norse(graph, images, timesteps):
    """Outputs and spikes by node, of each timestep."""
    network, state, found = norse.torch.from_nir(graph, dt=DT), None, []
    for _ in range(timesteps):
        output, state = network(images, state)
        found.append((output, dict(state.cache)))
    return torch.stack([output for output, _ in found]), [spikes for _, spikes in found]


def in_snntorch(network, images, timesteps):
    """Outputs and spikes by node, of each timestep, of what snnTorch made of a graph."""
    spikes, outputs, state = [], [], None

    def keep(name):
        return lambda _, inputs, output: spikes[-1].update({name: output})

    for name, module in network.named_modules():
        module.register_forward_hook(keep(name))
    for _ in range(timesteps):
        spikes.append({})
        output, state = network(images) if state is None else network(images, state)
        outputs.append(output)
    return torch.stack(outputs), spikes


@contextlib.contextmanager
def silent():
    """Readers of snnTorch print."""
    with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        yield


def assert_same(found, expected):
    """Spikes by node and timestep, and the outputs, whose sums have another order."""
    (outputs, by_node), (our_outputs, ours) = found, expected
    torch.testing.assert_close(outputs, our_outputs)
    assert our_outputs.std() > 0.01
    for name, spikes in ours.items():
        assert spikes.mean() > 0.01, f"{name} is silent"
        theirs = torch.stack([values[name.replace(".", "_")] for values in by_node])
        assert torch.equal(theirs.reshape(spikes.shape), spikes), name


@pytest.mark.parametrize(("name", "shape"), [("vgg7", ODD), ("vgg16", (3, 16, 16))])
def test_vgg_fires_alike_in_norse_and_in_snntorch(tmp_path, small, name, shape):
    settings = small.model_copy(update={"name": name})
    network = lively(settings, shape)
    source = saved(tmp_path / "ticket", network, settings, shape)
    contents = write_nir(source, tmp_path / "out.nir").contents
    graph = nir.read(tmp_path / "out.nir")
    layers = {"vgg7": 6, "vgg16": 13}[name]
    pools = {"vgg7": 2, "vgg16": 5}[name]
    assert contents == f"{len(graph.nodes)} nodes, {layers + pools} of them neurons"
    images = images_of(shape, number=2)
    expected = run(network, images)
    with silent():
        assert_same(in_norse(graph, images, 3), expected)
        assert_same(in_snntorch(import_from_nir(graph), images, 3), expected)


class Summed(nn.Module):
    """What a later nirtorch (2.6) does where several edges arrive: their sum is what the module gets."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, *arriving):
        return self.module(sum(arriving))


def test_resnet19_fires_alike_in_the_neurons_of_snntorch(tmp_path, small):
    settings, shape = small.model_copy(update={"name": "resnet19"}), (1, 8, 8)
    network = lively(settings, shape)
    write_nir(saved(tmp_path / "ticket", network, settings, shape), tmp_path / "out.nir")
    graph = nir.read(tmp_path / "out.nir")
    images = images_of(shape, number=2)
    expected = run(network, images)
    kinds = [nir.Affine, nir.Conv2d, nir.Flatten, nir.LIF]
    with silent():
        made = {kind: lambda node: Summed(_nir_to_snntorch_module(node, init_hidden=True)) for kind in kinds}
        assert_same(in_snntorch(nirtorch.nir_to_torch(graph, made), images, 3), expected)


def test_a_shortcut_without_a_convolution_fires_alike_in_norse(small):
    """Two blocks of the first stage, whose shortcuts are edges from neurons to neurons."""
    network = lively(small.model_copy(update={"name": "resnet19"}), (1, 8, 8))
    network.stage1 = network.stage1[1:]
    network.stage2 = network.stage3 = nn.Sequential()
    network.conv1, network.norm1 = nn.Conv2d(1, 16, 3, padding=1), lively(small, (1, 8, 8)).norm6
    network.fc1 = nn.Linear(16, 32)
    nn.init.ones_(network.fc1.bias)
    images = images_of((1, 8, 8), number=2)
    graph = to_nir(wire(network, (1, 8, 8)))
    expected = run(network, images)
    with silent():
        assert_same(in_norse(graph, images, 3), expected)


@given(st.floats(0, 0.99), st.sampled_from([0.5, 1.0, 1.3]), st.lists(st.integers(-8, 24), min_size=1, max_size=12))
def test_an_euler_step_of_nirs_equation_is_a_timestep_of_ours(leak, spike_threshold, eighths):
    """Also where a membrane is exactly at the threshold, where we fire and NIR, by its own rule, would not."""
    current = torch.tensor(eighths, dtype=torch.float64) / 8
    expected, _ = lif_steps.forward(current, leak, spike_threshold, 0)
    node, membrane, spikes = neurons((1,), leak, spike_threshold), 0.0, []
    for arriving in current.tolist():
        membrane += DT / (DT / (1 - leak)) * ((node.v_leak[0] - membrane) + node.r[0] * arriving)
        assert node.tau[0] == pytest.approx(DT / (1 - leak), rel=1e-6)
        spikes.append(float(membrane > node.v_threshold[0]))
        membrane *= 1 - spikes[-1]
    near = np.abs(np.array([*lif_steps.forward(current, leak, spike_threshold, 0)[1]]) - spike_threshold)
    exact = leak in (0, 0.25, 0.5)
    if exact or near.min() > 1e-6:
        assert spikes == expected.tolist()


def test_a_membrane_at_the_threshold_fires():
    node = neurons((2, 1, 1), 0.5, 1.0)
    assert np.float32(1.0) > node.v_threshold[0, 0, 0] == np.float32(1 - 2**-24)
    assert not np.float32(1 - 2**-24) > node.v_threshold[0, 0, 0]
    assert (node.r == 1).all()
    assert not node.v_leak.any()
    assert node.tau.shape == (2, 1, 1)


def test_batch_norm_is_folded_and_pruned_weights_stay_zero():
    """By hand: gain 3, variance 4 - eps, mean 0.5, shift 1: weights times 1.5, bias 1 + (0.25 - 0.5) 1.5."""
    conv, norm = nn.Conv2d(1, 1, (1, 2)), nn.BatchNorm2d(1, eps=0.5)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[[[2.0, 0.0]]]]))
        conv.bias.fill_(0.25)
        norm.weight.fill_(3)
        norm.bias.fill_(1)
    norm.running_mean.fill_(0.5)
    norm.running_var.fill_(3.5)
    weight, bias = folded(conv, norm)
    assert weight.tolist() == [[[[3.0, 0.0]]]]
    assert bias.tolist() == [0.625]
    assert folded(conv, None)[1].tolist() == [0.25]


def test_the_file_has_the_masked_weights_in_order_and_what_nir_has_no_place_for(tmp_path, small):
    network = lively(small, ODD)
    source = saved(tmp_path / "ticket", network, small, ODD)
    write_nir(source, tmp_path / "out.nir")
    graph = nir.read(tmp_path / "out.nir")
    assert list(graph.nodes)[:4] == ["input", "conv1", "lif1", "conv2"]
    assert list(graph.nodes)[-2:] == ["fc", "output"]
    assert graph.metadata["timesteps"] == 3
    assert Ticket.read(tmp_path / "out.nir").timesteps == 3
    assert graph.metadata["dt"] == DT
    for name in weight_layers(network):
        kept = source.ticket.mask[name]
        if name == "fc":
            kept = kept.repeat(2 * 3, axis=1)  # the mean over 2 x 3 positions
        assert np.array_equal(graph.nodes[name].weight != 0, kept)
    assert not h5py.get_config().track_order


def test_settings_of_h5py_are_as_before_also_after_an_error():
    with pytest.raises(AttributeError):
        in_order(None)
    assert not h5py.get_config().track_order


def test_what_nir_cannot_have_is_one_line():
    image = Step("images", "input", (), (1, 4, 4))
    conv = Step("conv", "conv", ("images",), (1, 4, 4), nn.Conv2d(1, 1, 1))
    pool = Step("pool", "pool", ("conv",), (1, 2, 2))
    with pytest.raises(InputError, match="nir: expected pooling of spikes, got pool after conv"):
        to_nir([image, conv, pool])
    norm = Step("norm", "norm", ("images",), (1, 4, 4), nn.BatchNorm2d(1))
    with pytest.raises(InputError, match="nir: expected one batch norm after a convolution, got norm after images"):
        to_nir([image, norm])
    norm = Step("norm", "norm", ("conv",), (1, 4, 4), nn.BatchNorm2d(1))
    with pytest.raises(InputError, match="nir: expected one batch norm after a convolution, got norm after conv"):
        to_nir([image, conv, norm, Step("sum", "add", ("conv", "norm"), (1, 4, 4))])
    with pytest.raises(InputError, match="nir: expected a linear layer after the mean over positions"):
        to_nir([image, conv, Step("mean", "mean", ("conv",), (1,))])


def test_params_of_another_network_are_reported_by_file(tmp_path, small):
    source = saved(tmp_path / "ticket", lively(small, ODD), small, ODD)
    out = tmp_path / "out.nir"
    write_params(source.params, small.model_copy(update={"width": 0.25}))
    with pytest.raises(
        InputError,
        match=r"params.yaml: expected a block model that names the network of .* expected the weights of this network",
    ):
        write_nir(source, out)
    write_params(source.params, small.model_copy(update={"leak": 0.5}))
    expected = r"params.yaml: expected leak and spike_threshold \(0.25, 1.0\) as in .*weights.*, got 0.5 and 1.0"
    with pytest.raises(InputError, match=expected):
        write_nir(source, out)
    source.params.unlink()
    with pytest.raises(
        InputError, match=r"params.yaml: expected the settings whose block model names the network .*, got no file"
    ):
        write_nir(source, out)
    assert not out.exists()
