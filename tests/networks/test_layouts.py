"""Networks in the layout for sparse training, compared with PyTorch's dense one."""

import numpy as np
import pytest
import torch
from torch import nn

from uticket.config.training import Model
from uticket.engine.batch_last import BatchLast
from uticket.engine.by_spikes import BySpikes
from uticket.engine.choose import choose_layout
from uticket.engine.layout import BatchFirst
from uticket.engine.sparse import KeptWeights
from uticket.engine.spike_conv import computes_by_spikes
from uticket.networks.network import SpikingNetwork, build, weight_layers
from uticket.networks.shapes import describe_layers
from uticket.ticket.mask import Mask
from uticket.training.loss import per_step_loss
from uticket.training.masking import MaskedWeights

SETTINGS = Model(name="vgg7", width=0.25, timesteps=4, leak=0.25, spike_threshold=1.0, surrogate_alpha=2.0)


def pruned(name: str, density: float, seed: int = 0) -> tuple[SpikingNetwork, Mask]:
    network = build(SETTINGS.model_copy(update={"name": name}), (2, 9, 9), 3, seed)
    rng = np.random.default_rng(seed)
    shapes = {layer: tuple(module.weight.shape) for layer, module in weight_layers(network).items()}
    mask = Mask({layer: rng.random(shape) < density for layer, shape in shapes.items()})
    MaskedWeights(network, mask)
    return network, mask


def batch_last(network: SpikingNetwork, mask: Mask, but: tuple[str, ...] = ()) -> BatchLast:
    """All convolutions by their kept weights, except those named."""
    convolutions = {n: m for n, m in weight_layers(network).items() if isinstance(m, nn.Conv2d) and n not in but}
    return BatchLast({m: KeptWeights.of(mask[n], m.stride[0], int(m.padding[0])) for n, m in convolutions.items()})


@pytest.mark.parametrize(
    ("name", "but"), [("vgg7", ()), ("vgg7", ("conv1", "conv4")), ("vgg16", ()), ("resnet19", ()), ("alexnet", ())]
)
def test_losses_and_gradients_are_those_of_the_dense_layout(name, but):
    torch.manual_seed(0)
    images, labels = torch.randn(6, 2, 9, 9), torch.tensor([0, 1, 2, 0, 1, 2])
    results = []
    for layout in (lambda *_: BatchFirst(), batch_last):
        network, mask = pruned(name, 0.3)
        network.layout = layout(network, mask, but)
        network.train()
        outputs = network(images)
        loss = per_step_loss(outputs, labels)
        loss.backward()
        kept = {f"{n}.weight": torch.from_numpy(mask[n].copy()) for n in mask}
        grads = {n: p.grad * kept.get(n, torch.ones(())) for n, p in network.named_parameters()}
        results.append((outputs.detach(), grads, {n: b for n, b in network.named_buffers() if b.is_floating_point()}))
    dense, sparse = results
    torch.testing.assert_close(sparse[0], dense[0], atol=1e-4, rtol=1e-4)
    for index in (1, 2):
        for key, value in dense[index].items():
            torch.testing.assert_close(
                sparse[index][key], value, atol=1e-4, rtol=1e-3, msg=lambda m, key=key: f"{key} {m}"
            )
    assert dense[1]["conv1.weight"].abs().max() > 0


def test_pruned_weights_get_no_gradient():
    network, mask = pruned("vgg7", 0.1)
    network.layout = batch_last(network, mask)
    network(torch.randn(4, 2, 9, 9)).square().mean().backward()
    for name in ("conv2", "conv6"):
        grad = network.get_submodule(name).weight.grad.numpy()
        assert not grad[~mask[name]].any()


def test_layout_is_chosen_by_density():
    network, mask = pruned("vgg7", 0.04)
    convolutions = {n: m for n, m in weight_layers(network).items() if isinstance(m, nn.Conv2d)}
    positions = {layer.name: layer.positions for layer in describe_layers(network, (2, 9, 9))}
    assert isinstance(choose_layout(convolutions, mask, positions), BatchLast)
    dense = Mask({name: np.ones_like(values) for name, values in mask.items()})
    assert isinstance(choose_layout(convolutions, dense, positions), BatchFirst)


def test_teams_are_sparse_enough_at_higher_density():
    network, mask = pruned("vgg7", 0.16)
    convolutions = {n: m for n, m in weight_layers(network).items() if isinstance(m, nn.Conv2d)}
    positions = {layer.name: layer.positions for layer in describe_layers(network, (2, 9, 9))}

    def chosen(team):
        shared = {n: m[::team].repeat(team, axis=0)[: len(m)] for n, m in mask.items()}
        return type(choose_layout(convolutions, Mask(shared), positions))

    assert [chosen(team) for team in (1, 3, 4, 8)] == [BatchFirst, BatchFirst, BatchLast, BatchLast]


@pytest.mark.parametrize("name", ["vgg7", "resnet19"])
def test_losses_and_gradients_by_spikes_are_those_of_the_dense_layout(name):
    torch.manual_seed(0)
    images, labels = torch.randn(4, 2, 8, 8), torch.tensor([0, 1, 2, 0])
    width, results = 2.0 if name == "vgg7" else 0.5, []
    for convolutions in ([], [nn.Conv2d]):
        network = build(SETTINGS.model_copy(update={"name": name, "width": width}), (2, 8, 8), 3, seed=0)
        found = [m for m in network.modules() if type(m) in convolutions and computes_by_spikes(m)]
        network.layout = BySpikes(found) if found else BatchFirst()
        loss = per_step_loss(network(images), labels)
        loss.backward()
        results.append((loss.detach(), {n: p.grad for n, p in network.named_parameters()}))
    dense, ours = results
    torch.testing.assert_close(ours[0], dense[0], atol=1e-4, rtol=1e-4)
    for key, value in dense[1].items():
        torch.testing.assert_close(ours[1][key], value, atol=1e-4, rtol=1e-3, msg=lambda m, key=key: f"{key} {m}")


def test_large_layers_of_a_dense_network_compute_by_spikes():
    network = build(SETTINGS.model_copy(update={"width": 2.0}), (2, 8, 8), 3, seed=0)
    convolutions = {n: m for n, m in weight_layers(network).items() if isinstance(m, nn.Conv2d)}
    masks = {name: np.ones(tuple(m.weight.shape), bool) for name, m in convolutions.items()}
    layout = choose_layout(convolutions, masks, dict.fromkeys(convolutions, 64))
    assert isinstance(layout, BySpikes)
    assert layout._convolutions == set(convolutions.values()) - {network.conv1}
    assert type(choose_layout(convolutions, masks, dict.fromkeys(convolutions, 1))) is BatchFirst
