"""A network of ours, kinds of layers, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

import uticket as ut
from tests.cli.helpers import run
from tests.helpers import SMALL
from tests.training.helpers import drawn_mask, fresh, made_up
from uticket.capturing.captured import read_findings
from uticket.config.paths import TicketFiles
from uticket.pipeline.trained import write_trained
from uticket.training.cost import TrainingCost
from uticket.training.tally import Epoch
from uticket.training.train import Trained


def events(*shape: int) -> Tensor:
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(0)) < 0.5).float()


def test_our_vgg_is_captured_as_its_stage_writes_it(tmp_path):
    """The same spikes, bit by bit, and the same answer of `uticket simulate`."""
    network, test = fresh(SMALL), made_up()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.bias.data.fill_(0.7)  # so that every layer fires
    mask = drawn_mask(network)
    for name, kept in mask.items():
        network.get_submodule(name).weight.data *= torch.from_numpy(kept.copy())
    trained = Trained([Epoch(1, 0.7, 0.5, 0.5)], None, {}, TrainingCost("cpu", 1, 100.0, 1.5, 3.0, 0.2))
    stage, own = TicketFiles(tmp_path / "stage"), TicketFiles(tmp_path / "captured")
    write_trained(stage, network, mask, trained, test, sample_images=3)
    chosen = torch.linspace(0, len(test) - 1, 3).long()
    captured = ut.capture(network, test.normalized(test.images[chosen]))
    captured.write(own.folder)

    expected, found = np.load(stage.spikes), np.load(own.spikes)
    assert set(expected) <= set(found)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    for which in ("spiking_convolutions", "all"):
        one, other = (run("simulate", files.folder, "--on-pes", which) for files in (stage, own))
        assert {**one, "neurobench": None} == {**other, "neurobench": None}
    ticket = ut.Ticket.read(stage.folder)
    assert captured.layers == ticket.layers
    assert all(np.array_equal(captured.mask[name], kept) for name, kept in mask.items())
    assert captured.findings.guesses == ()


def test_what_is_written_is_what_is_read(tmp_path):
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(48, 2))
    captured = ut.capture(network, events(2, 2, 6, 6), timesteps=1)
    captured.write(tmp_path / "t")
    again = ut.Ticket.read(tmp_path / "t")
    assert again.layers == captured.layers
    assert np.array_equal(again.spikes["0"], captured.spikes["0"])
    found = read_findings(tmp_path / "t")
    assert found is not None
    assert list(found.lines()) == list(captured.findings.lines())
    assert np.array_equal(found.nonzeros["2"], captured.findings.nonzeros["2"])
    assert read_findings(tmp_path) is None
    (tmp_path / "t" / "capture.json").write_text("{}")
    with pytest.raises(ut.InputError, match=r"capture.json: timesteps_because: expected a value, got nothing"):
        read_findings(tmp_path / "t")


class Twice(nn.Conv2d):
    """A subclass that is not one convolution."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.interpolate(super().forward(x), scale_factor=2)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(4, 6, (3, 1), stride=(2, 1), padding=(1, 0), bias=False), (4, 9, 7)),
        (nn.Conv2d(4, 6, 3, dilation=2, padding="same", groups=2, bias=False), (4, 9, 7)),
        (nn.Conv2d(4, 8, 3, groups=4, bias=False), (4, 9, 7)),
        (nn.Conv1d(4, 6, 5, stride=2, padding=1, dilation=2, bias=False), (4, 11)),
    ],
)
def test_shapes_and_weights_give_the_outputs_of_the_layer(layer, shape):
    """A layer built anew from what the ticket says gives the same outputs for the captured spikes."""
    x = events(2, *shape)
    ticket = ut.capture(nn.Sequential(layer), x, timesteps=1)
    (found,) = ticket.layers
    spikes, weights = (torch.from_numpy(np.array(v["0"])) for v in (ticket.spikes, ticket.weights))
    settings = {name: getattr(found, name) for name in ("stride", "padding", "dilation", "groups")}
    again = nn.functional.conv2d(spikes[:, 0].float(), weights, **settings)
    assert tuple(again.shape[2:]) == found.output_size
    assert torch.allclose(again.reshape(layer(x).shape), layer(x), atol=1e-5)


@pytest.mark.parametrize("last", [False, True])
def test_a_conv3d_with_a_kernel_of_1_in_time_is_a_convolution_at_every_step(last):
    kernel, padding, axis = ((3, 3, 1), (1, 1, 0), 4) if last else ((1, 3, 3), (0, 1, 1), 2)
    layer, frames = nn.Conv3d(2, 3, kernel, padding=padding, bias=False), events(3, 4, 2, 5, 6)  # images, T, ...
    ticket = ut.capture(nn.Sequential(layer), frames.movedim(1, axis), timesteps=4)
    assert ticket.layers[0].input_size == (5, 6)
    assert ticket.weights["0"].shape == (3, 2, 3, 3)
    assert np.array_equal(ticket.spikes["0"], frames.numpy())


@pytest.mark.parametrize(
    ("layer", "shape", "line"),
    [
        (nn.Conv3d(2, 3, 3), (1, 2, 4, 5, 6), "0: expected a Conv3d with a kernel of 1 in time, .*, got 3x3x3"),
        (nn.Conv2d(2, 3, 2, padding="same"), (1, 2, 5, 6), r"0: expected as much padding on both sides, got \(0, 0\)"),
        (Twice(2, 3, 1), (1, 2, 5, 6), r"0: expected an output of \(5, 6\), as one convolution gives, got \(10, 12\)"),
        (nn.ConvTranspose2d(2, 3, 1), (1, 2, 5, 6), "model: expected a network that calls convolutions or linear"),
    ],
)
def test_layers_that_are_not_one_convolution_are_refused(layer, shape, line):
    with pytest.raises(ut.InputError, match=line):
        ut.capture(nn.Sequential(layer), events(*shape), timesteps=1)


def test_masks_of_prune_keep_the_values_of_pruned_weights():
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Linear(4, 2))
    dense = network[0].weight.detach().clone()
    prune.random_unstructured(network[0], "weight", 0.5)
    network[0].weight_orig.data[0, 0, 0, 0], network[0].weight_mask[0, 0, 0, 0] = 0, 1  # kept, though it is zero
    network[1].weight.data[0, 0] = 0
    network(events(1, 2, 6, 6))  # whose output with a gradient copy.deepcopy alone would refuse
    ticket = ut.capture(network, events(1, 2, 6, 6), timesteps=1)
    assert np.array_equal(ticket.mask["0"], network[0].weight_mask.numpy() == 1)
    assert np.array_equal(ticket.weights["0"].ravel()[1:], dense.numpy().ravel()[1:])
    assert ticket.mask["1"].sum() == 7


def test_weights_of_a_parametrization_are_those_that_run():
    layer = nn.Conv2d(2, 3, 3)
    prune.random_unstructured(layer, "weight", 0.5)
    prune.remove(layer, "weight")
    normed = nn.Sequential(parametrizations.weight_norm(layer))
    ticket = ut.capture(normed, events(1, 2, 6, 6), timesteps=1)
    assert np.array_equal(ticket.weights["0"], normed[0].weight.detach().numpy())
    assert ticket.mask["0"].sum() == 27


def test_other_holders_of_weights_are_listed():
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ConvTranspose2d(3, 2, 3))
    assert ut.capture(network, events(1, 2, 6, 6), timesteps=1).findings.not_seen == (
        "1.weight (ConvTranspose2d, 54 weights)",
    )


def test_buffers_that_a_network_changes_in_place_stay():
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 3, 3)
            self.register_buffer("calls", torch.zeros(1))
            self.kept = [torch.zeros(1)]

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            self.kept[0] += 1
            return self.conv(x)

    network = Counting()
    ut.capture(network, events(1, 2, 6, 6), timesteps=1)
    assert (network.calls, network.kept[0]) == (0, 0)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in network.parameters())


def test_arrays_are_taken_as_the_parameters_are():
    network = nn.Sequential(nn.Conv2d(2, 3, 3)).double()
    ticket = ut.capture(network, np.ones((1, 2, 6, 6), bool), timesteps=1)
    assert ticket.layers[0].reads == "spikes"
    circular = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"))
    assert ut.capture(circular, events(1, 2, 6, 6), 1).findings.remarks == (
        "0: padding of circular counted as of zeros",
    )


def test_spikes_stay_packed():
    ticket = ut.capture(nn.Sequential(nn.Conv2d(8, 3, 3)), events(4, 8, 16, 16), timesteps=2)
    assert ticket.spikes.nbytes * 8 == ticket.spikes["0"].nbytes
    assert replace(ticket, timesteps=2).spikes is ticket.spikes


@pytest.mark.parametrize(
    ("model", "inputs", "line"),
    [
        (3, events(1, 2), "model: expected a torch.nn.Module, got int"),
        (nn.Linear(2, 2), torch.full((1, 2), torch.nan), "inputs: expected finite numbers, got NaN or infinity"),
        (nn.Linear(2, 2), ["a"], "inputs: expected numbers, got an array of <U1"),
    ],
)
def test_what_is_no_network_or_no_numbers_is_refused(model, inputs, line):
    with pytest.raises(ut.InputError, match=line):
        ut.capture(model, inputs, timesteps=1)
