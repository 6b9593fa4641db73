import pytest
import torch
from torch import nn

from uticket.networks.network import build, weight_layers
from uticket.networks.shapes import describe_layers
from uticket.networks.vgg import POOL

RESNET19_LAYERS = (
    ["conv1"]
    + [f"stage{s}.block{b}.conv{c}" for s, b, c in [(1, 1, 1), (1, 1, 2)]]
    + ["stage1.block1.shortcut"]
    + [f"stage1.block{b}.conv{c}" for b in (2, 3) for c in (1, 2)]
    + ["stage2.block1.conv1", "stage2.block1.conv2", "stage2.block1.shortcut"]
    + [f"stage2.block{b}.conv{c}" for b in (2, 3) for c in (1, 2)]
    + ["stage3.block1.conv1", "stage3.block1.conv2", "stage3.block1.shortcut"]
    + ["stage3.block2.conv1", "stage3.block2.conv2", "fc1", "fc2"]
)


@pytest.mark.parametrize("name", ["vgg7", "vgg16", "resnet19", "alexnet"])
@pytest.mark.parametrize("image", [(1, 8, 8), (3, 32, 32), (2, 7, 13)])
def test_any_image_size_and_channel_count_trains_and_gives_outputs_by_timestep(small, name, image):
    network = build(small.model_copy(update={"name": name}), image, num_classes=5, seed=0)
    outputs = network(torch.randn(2, *image))
    assert outputs.shape == (3, 2, 5)
    outputs.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_vgg16_has_the_layers_of_the_paper(small):
    network = build(small.model_copy(update={"name": "vgg16", "width": 1.0}), (3, 32, 32), 10, seed=0)
    layers = describe_layers(network, (3, 32, 32))
    assert [layer.name for layer in layers] == [f"conv{n}" for n in range(1, 14)] + ["fc"]
    assert [layer.filters for layer in layers] == [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512, 10]
    assert network.steps.count(POOL) == 5
    assert network.steps[-1] == POOL  # leaves 1x1 to fc
    sizes = [32, 32, 16, 16, 8, 8, 8, 4, 4, 4, 2, 2, 2, 1]
    assert [layer.output_size for layer in layers] == [(size, size) for size in sizes]
    assert sum(layer.on_pes for layer in layers) == 12


def test_alexnet_has_the_layers_of_loas(small):
    """Its fourth layer is the workload A-L4 of the paper: 64 positions, 256 filters, 3,456 inputs of each."""
    network = build(small.model_copy(update={"name": "alexnet", "width": 1.0}), (3, 32, 32), 10, seed=0)
    layers = describe_layers(network, (3, 32, 32))
    assert [layer.name for layer in layers] == [*(f"conv{n}" for n in range(1, 6)), "fc"]
    assert [layer.filters for layer in layers] == [64, 192, 384, 256, 256, 10]
    assert [layer.output_size for layer in layers] == [(16, 16), (8, 8), (8, 8), (8, 8), (8, 8), (1, 1)]
    assert (layers[0].stride, layers[1].stride) == ((2, 2), (1, 1))
    fourth = layers[3]
    assert (fourth.positions, fourth.filters, fourth.num_weights // fourth.filters) == (64, 256, 3456)
    assert network.steps.count(POOL) == 2


def test_resnet19_has_the_layers_of_the_paper(small):
    network = build(small.model_copy(update={"name": "resnet19", "width": 0.25}), (3, 32, 32), 10, seed=0)
    layers = {layer.name: layer for layer in describe_layers(network, (3, 32, 32))}
    assert list(layers) == RESNET19_LAYERS == list(weight_layers(network))
    assert layers["conv1"].filters == 16
    assert [layers[f"stage{s}.block2.conv1"].filters for s in (1, 2, 3)] == [32, 64, 128]
    assert [layers[f"stage{s}.block2.conv1"].output_size for s in (1, 2, 3)] == [(16, 16), (8, 8), (4, 4)]
    assert layers["stage2.block1.shortcut"].kernel == (1, 1)
    assert layers["fc1"].filters == 64


@pytest.mark.parametrize("name", ["vgg7", "resnet19", "alexnet"])
def test_every_layer_on_the_pes_reads_spikes(small, name):
    network = build(small.model_copy(update={"name": name}), (1, 8, 8), 10, seed=0)
    on_pes = {layer.name for layer in describe_layers(network, (1, 8, 8)) if layer.on_pes}
    names = {module: layer_name for layer_name, module in weight_layers(network).items()}
    seen: dict[str, set[float]] = {}
    for module in names:
        module.register_forward_pre_hook(lambda m, inputs: seen.update({names[m]: set(inputs[0].unique().tolist())}))
    network(torch.randn(2, 1, 8, 8))
    assert all(seen[layer_name] <= {0.0, 1.0} for layer_name in on_pes)
    assert "conv1" not in on_pes
    assert not seen["conv1"] <= {0.0, 1.0}


def test_first_convolution_sees_each_image_once(small):
    network = build(small, (1, 8, 8), 10, seed=0)
    batches = []
    network.conv1.register_forward_pre_hook(lambda _, inputs: batches.append(len(inputs[0])))
    network.conv2.register_forward_pre_hook(lambda _, inputs: batches.append(len(inputs[0])))
    network(torch.randn(2, 1, 8, 8))
    assert batches == [2, 2 * small.timesteps]


def test_folded_timesteps_are_those_of_a_plain_loop_over_time(small):
    network = build(small, (1, 8, 8), 10, seed=0).eval()
    for module in network.modules():  # without batch norm's shift the untrained network is silent after two layers
        if isinstance(module, nn.BatchNorm2d):
            module.bias.data.fill_(0.6)
    images = torch.randn(2, 1, 8, 8)
    membranes: dict[int, torch.Tensor] = {}
    outputs = []
    for _ in range(small.timesteps):
        x, number = images, 0
        for pool in (0, 0, 1, 0, 0, 1, 0, 0):
            if pool:
                x = nn.functional.max_pool2d(x, 2)
                continue
            number += 1
            current = getattr(network, f"norm{number}")(getattr(network, f"conv{number}")(x))
            u = small.leak * membranes.get(number, 0.0) + (1 - small.leak) * current
            x = (u >= small.spike_threshold).float()
            membranes[number] = u * (1 - x)
        outputs.append(network.fc(x.mean((2, 3))))
    torch.testing.assert_close(network(images), torch.stack(outputs))
    assert outputs[-1].std() > 0


def test_same_seed_gives_same_weights_and_leaves_the_global_generator(small):
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    one, same, other = (build(small, (1, 8, 8), 10, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one.conv3.weight, same.conv3.weight)
    assert not torch.equal(one.conv3.weight, other.conv3.weight)
