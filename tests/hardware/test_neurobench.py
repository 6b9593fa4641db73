"""NeuroBench's metrics are those of its own package."""

import numpy as np
import pytest
import snntorch as snn
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import uticket as ut
from tests.cli.helpers import run
from tests.helpers import LAYER, layer_of, mask_of
from uticket.base.errors import InputError
from uticket.capturing.captured import Findings
from uticket.hardware.neurobench import meetings, neurobench

T = 3


class Network(nn.Module):
    """As NeuroBench's wrapper of snnTorch calls it: one timestep, membranes hidden in the neurons."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, padding=1)
        self.lif1 = snn.Leaky(beta=0.9, threshold=0.2, init_hidden=True)
        self.conv2 = nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=2, bias=False)
        self.lif2 = snn.Leaky(beta=0.9, threshold=0.2, init_hidden=True)
        self.fc = nn.Linear(16, 3)
        self.lif3 = snn.Leaky(beta=0.9, threshold=0.2, init_hidden=True, output=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.lif2(self.conv2(nn.functional.max_pool2d(self.lif1(self.conv1(x)), 2)))
        return self.lif3(self.fc(x.flatten(1)))


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    network = Network()
    for layer in (network.conv1, network.conv2, network.fc):
        layer.weight.data *= torch.rand_like(layer.weight) < 0.5
    return network


def by_the_package(network: Network, inputs: Tensor) -> dict[str, float]:
    """inputs: (images, T, ...)."""
    from neurobench.metrics.static import ConnectionSparsity, Footprint
    from neurobench.metrics.workload import ActivationSparsity, SynapticOperations
    from neurobench.models import SNNTorchModel

    model = SNNTorchModel(network)
    found = {"connection_sparsity": ConnectionSparsity()(model), "footprint_bytes": Footprint()(model)}
    model.register_hooks()
    outputs = model(inputs)
    found["activation_sparsity"] = ActivationSparsity()(model, outputs, (inputs, None))
    operations = SynapticOperations()(model, outputs, (inputs, None))
    names = {"dense_operations": "Dense", "effective_acs": "Effective_ACs", "effective_macs": "Effective_MACs"}
    return found | {name: operations[key] for name, key in names.items()}


@pytest.mark.parametrize("kind", ["events", "halves", "frames"])
def test_all_metrics_of_a_captured_network_are_those_of_the_package(network, kind, tmp_path):
    """Events: all operations are ACs; of halves, or real numbers, some zero, those of the first layer are MACs."""
    inputs = torch.rand(2, T, 2, 8, 8)
    events = (inputs < 0.4).float()
    inputs = {"events": events, "halves": events / 2, "frames": inputs * (inputs < 0.7)}[kind]
    by_step = inputs.transpose(0, 1)
    ticket = ut.capture(network, by_step, run=lambda twin, frames: [twin(frame) for frame in frames])
    found = ut.neurobench(ticket)
    expected = by_the_package(network, inputs)

    assert found.connection_sparsity == pytest.approx(expected.pop("connection_sparsity"), abs=1e-4)  # it rounds
    assert {name: getattr(found, name) for name in expected} == pytest.approx(expected)
    ticket.write(tmp_path / "t")
    assert run("simulate", tmp_path / "t")["neurobench"] == {**found.record(), "not_counted": []}
    assert (found.effective_macs > 0) == (kind != "events")
    assert found.effective_acs > 0
    assert found.not_counted == ()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_inputs_meet_the_weights_that_a_convolution_uses(data):
    """Against the gradient of the sum of all outputs, for any shape."""
    small = st.integers(1, 3)
    groups, each, kernel = data.draw(small), data.draw(small), (data.draw(small), data.draw(small))
    stride, padding = (data.draw(small), data.draw(small)), (data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2)))
    dilation = data.draw(st.sampled_from([(1, 1), (2, 1)]))
    size = (dilation[0] * (kernel[0] - 1) + 1 + data.draw(small), kernel[1] + data.draw(small))
    filters, channels = groups * data.draw(small), groups * each
    sizes = zip(size, padding, dilation, kernel, stride, strict=True)
    out = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in sizes]
    shape = {"kernel": kernel, "stride": stride, "padding": padding, "groups": groups, "dilation": dilation}
    layer = layer_of(filters, channels, size).model_copy(update={**shape, "output_size": tuple(out)})
    mask = np.random.default_rng(data.draw(st.integers(0, 9))).random(layer.weight_shape) < 0.5

    inputs = torch.zeros(1, channels, *size, requires_grad=True)
    weights = torch.from_numpy(mask).float()
    nn.functional.conv2d(inputs, weights, None, stride, padding, dilation, groups).sum().backward()
    assert np.array_equal(meetings(layer, mask), inputs.grad[0].numpy())


def test_of_a_ticket_that_was_not_captured_what_is_known_is_returned():
    layers = [layer_of(4, 2, (5, 5), name="conv1", reads="image"), layer_of(4, 4, (5, 5), name="conv2")]
    mask = {n.name: np.ones(n.weight_shape, bool) for n in layers}
    mask["conv1"][:, 0] = False
    spikes = {"conv2": np.ones((1, 2, 4, 5, 5), bool)}
    found = neurobench(ut.Ticket(layers, mask, None, 2, spikes))
    assert found.footprint_bytes is None
    assert found.connection_sparsity == pytest.approx(36 / 216)
    assert found.activation_sparsity == 0
    inside = 13 * 13  # of 25 outputs x 9 weights, those that are not on padding
    assert found.dense_operations == inside * (4 * 2 + 2 * 4 * 4)  # the image is read once
    assert (found.effective_acs, found.effective_macs) == (inside * 2 * 4 * 4, 0)
    assert found.not_counted == ("conv1",)
    without = neurobench(ut.Ticket(layers, mask, {n: m * 2.0 for n, m in mask.items()}, 2))
    assert without.footprint_bytes == 216 * 8
    assert (without.effective_acs, without.activation_sparsity) == (None, None)


def test_a_layer_that_runs_once_an_image_or_twice_in_a_timestep_counts_as_it_runs():
    class Encoded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(2, 2, 1, bias=False), nn.Conv2d(2, 2, 1, bias=False)

        def forward(self, x: Tensor) -> None:
            current = self.one(x)
            for step in range(T):
                self.two((self.two((current > step / T).float()) > 0).float())

    network = Encoded()
    network.one.weight.data[0] = 0
    found = ut.neurobench(ut.capture(network, torch.rand(3, 2, 5, 5), timesteps=T))
    assert found.dense_operations == 25 * 4 * (1 + 2 * T)
    assert found.effective_macs == 25 * 2
    assert found.connection_sparsity == 2 / 8
    assert found.footprint_bytes == 8 * 4


def test_analog_inputs_of_two_uses_of_a_layer_are_counted_once():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 1, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(self.conv(x))

    found = ut.neurobench(ut.capture(Twice(), torch.rand(3, 2, 5, 5) + 0.1, timesteps=1))
    assert found.effective_macs == found.dense_operations == 2 * 25 * 4


def test_nonzeros_of_another_shape_are_an_error_that_names_their_file():
    ticket = ut.Ticket((LAYER,), {LAYER.name: mask_of(1, 2, 3, 4)})
    findings = Findings("the loop", nonzeros={LAYER.name: np.ones((2, 3, 3), dtype=np.int64)})
    with pytest.raises(InputError, match=r"nonzeros.npz: expected an array 'conv2' of shape \(2, 4, 5\)"):
        neurobench(ticket, findings)
