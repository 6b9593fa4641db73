import json

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis.extra import numpy as hnp
from torch import nn

from tests.test_train import half_mask, made_up
from uticket.config.paths import TicketFiles
from uticket.networks.models import SpikingNetwork, build
from uticket.networks.shapes import describe_layers
from uticket.ticket.layer import read_layers
from uticket.ticket.mask import Mask
from uticket.ticket.spikes import load_spikes, save_spikes
from uticket.training.activity import measure_activity, network_spike_sparsity, sample_spikes
from uticket.training.cost import Cost
from uticket.training.ticket import write_ticket
from uticket.training.train import Epoch, Trained


@pytest.fixture
def network(small) -> SpikingNetwork:
    """A network that fires in every layer."""
    network = build(small, (1, 8, 8), 2, seed=0).eval()
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
    assert list(spikes) == ["conv2", "conv3", "conv4", "conv5", "conv6"]
    expected = inputs_of(network, "conv3", images.normalized(images.images[[0, 3, 6, 9]])).transpose(0, 1)
    assert spikes["conv3"].shape == (4, 3, 4, 4, 4)
    assert np.array_equal(spikes["conv3"], expected.bool().numpy())
    assert sample_spikes(network, describe_layers(network, (1, 8, 8)), images, 0) == {}


def test_measuring_leaves_the_network_as_it_is(network):
    network.train()
    measure_activity(network, describe_layers(network, (1, 8, 8)), made_up())
    assert all(module.training for module in network.modules())
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in network.modules())


@given(spikes=hnp.arrays(bool, hnp.array_shapes(min_dims=5, max_dims=5, max_side=4)))
def test_spikes_are_loaded_as_saved(tmp_path_factory, spikes):
    path = tmp_path_factory.mktemp("spikes") / "activity.npz"
    save_spikes(path, {"stage1.block1.conv1": spikes, "conv2": ~spikes})
    loaded = load_spikes(path)
    assert np.array_equal(loaded["stage1.block1.conv1"], spikes)
    assert np.array_equal(loaded["conv2"], ~spikes)


def test_packed_spikes_have_the_published_layout(tmp_path):
    spikes = np.arange(24).reshape(1, 2, 3, 2, 2) % 3 == 0
    save_spikes(tmp_path / "activity.npz", {"conv2": spikes})
    with np.load(tmp_path / "activity.npz") as arrays:
        assert arrays["conv2_shape"].tolist() == [1, 2, 3, 2, 2]
        assert np.array_equal(arrays["conv2"], np.packbits(spikes))
    (tmp_path / "half.npz").write_bytes((tmp_path / "activity.npz").read_bytes()[:200])
    with pytest.raises(ValueError, match="half.npz: expected packed spikes"):
        load_spikes(tmp_path / "half.npz")


def test_ticket_folder_stands_by_itself_and_has_the_same_bytes_again(network, tmp_path):
    mask, epochs = half_mask(network), [Epoch(1, 0.7, 0.5, 0.5), Epoch(2, 0.6, 0.75, 0.625)]
    trained = Trained(epochs, None, {}, Cost("cpu", 1, 100.0, 1.5, 3.0, 0.2))
    folders = [TicketFiles(tmp_path / name) for name in ("one", "two")]
    for files in folders:
        write_ticket(files, network, mask, trained, made_up(), sample_images=2, num_pruned=7)
    one, two = folders
    names = sorted(path.name for path in one.folder.iterdir())
    assert names == sorted(path.name for path in two.folder.iterdir())
    assert all((one.folder / name).read_bytes() == (two.folder / name).read_bytes() for name in names)

    metrics = json.loads(one.metrics.read_text())
    assert metrics["accuracy"] == 0.625
    assert metrics["filter_sparsity"] == mask.sparsity
    assert metrics["num_pruned"] == 7
    layers, timesteps = read_layers(one.layers)
    assert timesteps == 3
    assert Mask.load(one.mask, [layer.name for layer in layers]).num_kept == mask.num_kept
    assert json.loads(one.cost.read_text())["images_per_second"] == 100.0
    assert pd.read_csv(one.training)["test_accuracy"].tolist() == [0.5, 0.625]
    assert pd.read_csv(one.activity)["layer"].tolist() == [layer.name for layer in layers[1:]]
    assert load_spikes(one.spikes)["conv2"].shape[0] == 2
