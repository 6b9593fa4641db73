"""Networks that read a frame of events in each timestep."""

import pytest
import torch
from torch import nn

from tests.networks.test_layouts import SETTINGS, batch_last, pruned
from uticket.base.errors import InputError
from uticket.networks.network import SpikingNetwork, build
from uticket.networks.shapes import describe_layers

NETWORKS = pytest.mark.parametrize("name", ["vgg7", "resnet19"])
BINS = SETTINGS.timesteps


def recordings(count: int = 3) -> torch.Tensor:
    """Frames (count, T, 2, 9, 9) of which a third of the pixels have a spike."""
    return (torch.rand(count, BINS, 2, 9, 9, generator=torch.Generator().manual_seed(0)) < 0.3).float()


def firing(name: str) -> SpikingNetwork:
    """A network for `recordings` in which spikes reach the last layer."""
    network = build(SETTINGS.model_copy(update={"name": name}), (BINS, 2, 9, 9), 3, seed=0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.bias.data.fill_(0.5)
            module.momentum = 1.0
        if isinstance(module, nn.Linear):
            module.weight.data *= 8  # neurons after the mean over positions fire too
    network(recordings(50))  # running statistics with which it tells one input from another
    return network.eval()


@NETWORKS
def test_the_same_frame_in_every_timestep_is_an_image(name):
    network, image = firing(name), recordings()[:, 0]
    outputs = network(image.unsqueeze(1).repeat(1, BINS, 1, 1, 1))
    torch.testing.assert_close(outputs, network(image))
    assert outputs.std() > 0


@NETWORKS
def test_each_frame_is_read_in_its_timestep_and_each_recording_alone(name):
    network, frames = firing(name), recordings()
    together = network(frames)
    for number in range(len(frames)):
        torch.testing.assert_close(together[:, number : number + 1], network(frames[number : number + 1]))
    for changed in range(1, BINS):
        other = frames.clone()
        other[:, changed] = 1 - other[:, changed]
        differs = (network(other) - together).abs().flatten(1).amax(1) > 1e-4
        assert differs.tolist() == [timestep >= changed for timestep in range(BINS)]


@NETWORKS
def test_with_fewer_timesteps_the_first_frames_are_read(name):
    network, frames = firing(name), recordings()
    whole = network(frames)
    network.timesteps = 2
    torch.testing.assert_close(network(frames), whole[:2])


@pytest.mark.parametrize("but", [(), ("conv1",)])
def test_sparse_training_gives_the_gradients_of_dense_training(but):
    frames, found = recordings(6), []
    for sparse in (False, True):
        network, mask = pruned("vgg7", 0.3)
        if sparse:
            network.layout = batch_last(network, mask, but)
        network.train()
        outputs = network(frames)
        outputs.square().mean().backward()
        kept = torch.from_numpy(mask["conv1"].copy())
        found.append((outputs.detach(), network.conv1.weight.grad * kept, network.norm1.running_var.clone()))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)
    assert found[0][1].abs().max() > 0


@pytest.mark.parametrize("reads", ["spikes", "counts"])
def test_first_layer_reads_what_the_frames_hold(reads):
    layers = describe_layers(firing("vgg7"), (BINS, 2, 9, 9), reads)
    assert [layer.reads for layer in layers] == [reads, *["spikes"] * 6]
    assert (layers[0].channels, layers[0].input_size) == (2, (9, 9))


def test_frames_of_another_number_of_bins_are_an_error():
    with pytest.raises(
        InputError, match="model.timesteps: expected the bins of the prepared frames, 4, got frames of 5"
    ):
        build(SETTINGS, (5, 2, 9, 9), 3, seed=0)
