import numpy as np
import pytest
import torch
from torch import nn

from tests.training.helpers import fresh, made_up
from uticket.networks.network import SpikingNetwork, build
from uticket.networks.shapes import describe_layers
from uticket.training.activity import as_sampled, measure_activity, network_spike_sparsity, sample_spikes
from uticket.training.batches import Images


@pytest.fixture
def network(small) -> SpikingNetwork:
    """A network that fires in every layer."""
    network = fresh(small).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.bias.data.fill_(0.7)
    return network


def inputs_of(network: SpikingNetwork, name: str, images: torch.Tensor) -> torch.Tensor:
    """The input of a layer, (T, images, ...), of one forward pass."""
    seen = []
    handle = network.get_submodule(name).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        network(images)
    handle.remove()
    return seen[0].unflatten(0, (network.timesteps, -1))


def test_activity_is_what_arrives_at_each_layer(network):
    images = made_up(300)  # more than one test batch
    layers = describe_layers(network, (1, 8, 8))
    activity = {a.layer: a for a in measure_activity(network, layers, images)}
    assert list(activity) == ["conv2", "conv3", "conv4", "conv5", "conv6", "fc"]
    for name, measured in activity.items():
        arriving = inputs_of(network, name, images.normalized(images.images))
        assert measured.spike_sparsity == pytest.approx((arriving == 0).double().mean().item())
        assert measured.silent_share == pytest.approx((arriving == 0).all(0).double().mean().item())
        assert 0 < measured.silent_share <= measured.spike_sparsity < 1
    total = [inputs_of(network, f"conv{n}", images.normalized(images.images)) for n in range(2, 7)]
    zeros, size = sum(int((x == 0).sum()) for x in total), sum(x.numel() for x in total)
    assert network_spike_sparsity(layers, list(activity.values())) == pytest.approx(zeros / size)


def test_samples_are_spread_over_the_images(network):
    images = made_up(10)
    spikes = sample_spikes(network, describe_layers(network, (1, 8, 8)), images, 4)
    assert list(spikes) == ["conv2", "conv3", "conv4", "conv5", "conv6", "fc"]
    expected = inputs_of(network, "conv3", images.normalized(images.images[[0, 3, 6, 9]])).transpose(0, 1)
    assert spikes["conv3"].shape == (4, 3, 4, 4, 4)
    assert np.array_equal(spikes["conv3"], expected.bool().numpy())
    assert sample_spikes(network, describe_layers(network, (1, 8, 8)), images, 0) == {}


def test_a_mean_of_spikes_is_kept_as_their_number(network):
    images, layers = made_up(10), describe_layers(network, (1, 8, 8))
    spikes = sample_spikes(network, layers, images, 4)
    mean = inputs_of(network, "fc", images.normalized(images.images[[0, 3, 6, 9]])).transpose(0, 1)
    assert spikes["fc"].dtype == np.uint8
    assert np.array_equal(spikes["fc"][..., 0, 0], (4 * mean).numpy())  # over 2 x 2 positions
    reads = {layer.name: layer.reads for layer in as_sampled(layers, spikes)}
    assert reads == {"conv1": "image"} | dict.fromkeys([f"conv{n}" for n in range(2, 7)], "spikes") | {"fc": "counts"}


def test_measuring_leaves_the_network_as_it_is(network):
    network.train()
    measure_activity(network, describe_layers(network, (1, 8, 8)), made_up())
    assert all(module.training for module in network.modules())
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in network.modules())


@pytest.mark.parametrize(("most", "kind"), [(1, np.bool_), (3, np.uint8)])
def test_spikes_of_the_first_layer_are_the_frames_themselves(small, most, kind):
    draw = torch.Generator().manual_seed(0)
    frames = torch.randint(0, most + 1, (10, 3, 2, 8, 8), generator=draw, dtype=torch.uint8)
    plain = torch.zeros(2, 1, 1), torch.ones(2, 1, 1)
    images = Images(frames, torch.arange(10) % 2, *plain, reads="counts" if most > 1 else "spikes")
    network = build(small, frames.shape[1:], 2, seed=0)
    layers = describe_layers(network, frames.shape[1:], images.reads)
    activity = measure_activity(network, layers, images)[0]
    assert activity.layer == "conv1"
    assert activity.spike_sparsity == pytest.approx((frames == 0).double().mean().item())
    assert activity.silent_share == pytest.approx((frames == 0).all(1).double().mean().item())
    if layers[0].on_pes:
        spikes = sample_spikes(network, layers, images, 4)["conv1"]
        assert spikes.dtype == kind
        assert np.array_equal(spikes, frames[[0, 3, 6, 9]].numpy())
