"""The layout for sparse training beside PyTorch's dense one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.conftest import PARAMS
from uticket.config.params import read_params
from uticket.engine.layout import BatchFirst, BatchLast, Kept, MaxPool, SparseConv, choose_layout
from uticket.engine.neuron import LIFSteps
from uticket.networks.models import SpikingNetwork, build, weight_layers
from uticket.networks.shapes import describe_layers
from uticket.ticket.mask import Mask
from uticket.training.masking import MaskedWeights
from uticket.training.train import per_step_loss

SETTINGS = read_params(PARAMS).model


def pruned(name: str, density: float, seed: int = 0) -> tuple[SpikingNetwork, Mask]:
    network = build(SETTINGS.model_copy(update={"name": name, "width": 0.25}), (2, 9, 9), 3, seed)
    rng = np.random.default_rng(seed)
    shapes = {layer: tuple(module.weight.shape) for layer, module in weight_layers(network).items()}
    mask = Mask({layer: rng.random(shape) < density for layer, shape in shapes.items()})
    MaskedWeights(network, mask)
    return network, mask


def batch_last(network: SpikingNetwork, mask: Mask, but: tuple[str, ...] = ()) -> BatchLast:
    """All convolutions by their kept weights, but those named."""
    convolutions = {n: m for n, m in weight_layers(network).items() if isinstance(m, nn.Conv2d) and n not in but}
    return BatchLast({m: Kept.of(mask[n], m.stride[0], int(m.padding[0])) for n, m in convolutions.items()})


@pytest.mark.parametrize(("name", "but"), [("vgg7", ()), ("vgg7", ("conv1", "conv4")), ("vgg16", ()), ("resnet19", ())])
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


@settings(max_examples=300, deadline=None)
@given(
    channels=st.integers(1, 4),
    filters=st.integers(1, 5),
    kernel=st.sampled_from([1, 2, 3]),
    stride=st.sampled_from([1, 2, 3]),
    padding=st.integers(0, 1),
    size=st.tuples(st.integers(3, 6), st.integers(3, 6)),
    density=st.sampled_from([0.0, 0.1, 0.9]),
    seed=st.integers(0, 99),
)
def test_sparse_convolution_is_pytorchs(channels, filters, kernel, stride, padding, size, density, seed):
    torch.manual_seed(seed)
    mask = torch.rand(filters, channels, kernel, kernel) < density
    weight = (torch.randn(mask.shape) * mask).requires_grad_()
    x = torch.randn(channels, 2, *size, 3, requires_grad=True)
    y = SparseConv.apply(x, weight, Kept.of(mask.numpy(), stride, padding))
    folded = x.detach().permute(1, 4, 0, 2, 3).flatten(0, 1).requires_grad_()
    dense = weight.detach().clone().requires_grad_()
    expected = nn.functional.conv2d(folded, dense, stride=stride, padding=padding)
    torch.testing.assert_close(y.permute(1, 4, 0, 2, 3).flatten(0, 1), expected, atol=1e-5, rtol=1e-4)
    grad = torch.randn_like(y)
    y.backward(grad)
    expected.backward(grad.permute(1, 4, 0, 2, 3).flatten(0, 1))
    torch.testing.assert_close(x.grad.permute(1, 4, 0, 2, 3).flatten(0, 1), folded.grad, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(weight.grad, dense.grad * mask, atol=1e-4, rtol=1e-4)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_pooling_is_pytorchs_with_equal_values_too(height, width, seed):
    torch.manual_seed(seed)
    x = torch.randint(0, 2, (3, height, width, 4)).float().requires_grad_()
    other = x.detach().permute(3, 0, 1, 2).clone().requires_grad_()
    y, expected = MaxPool.apply(x), nn.functional.max_pool2d(other, 2, ceil_mode=True)
    assert torch.equal(y.permute(3, 0, 1, 2), expected)
    grad = torch.randn_like(y)
    y.backward(grad)
    expected.backward(grad.permute(3, 0, 1, 2))
    assert torch.equal(x.grad.permute(3, 0, 1, 2), other.grad)


@settings(max_examples=300, deadline=None)
@given(
    shape=st.lists(st.integers(1, 4), min_size=2, max_size=5),
    inner=st.sampled_from([1, 3, 1030]),
    steady=st.booleans(),
    data=st.data(),
    seed=st.integers(0, 99),
)
def test_compiled_neurons_are_those_of_double_precision(shape, inner, steady, data, seed):
    torch.manual_seed(seed)
    dim = data.draw(st.integers(0, len(shape) - 1))
    whole = torch.randn(*shape, inner) * 3
    if steady:
        whole = whole.narrow(dim, 0, 1).expand(*shape, inner)
    whole = torch.where((whole * 0.75 - 1).abs() < 1e-3, whole + 0.1, whole)  # rounding must not decide a spike
    results = []
    for current in (whole.float(), whole.double()):
        current = current.detach().requires_grad_()
        spikes = LIFSteps.apply(current, 0.25, 1.0, 2.0, dim)
        (grad,) = torch.autograd.grad(
            (spikes * torch.linspace(-1, 1, spikes.numel()).view(spikes.shape)).sum(), current
        )
        results.append((spikes.double(), grad.double()))
    same = (results[0][0] == results[1][0]).all(dim)
    assert same.float().mean() > 0.99
    error = (results[0][1] - results[1][1]).abs().amax(dim)
    assert error[same].max() < 1e-4


def test_layout_is_chosen_by_density():
    network, mask = pruned("vgg7", 0.04)
    convolutions = {n: m for n, m in weight_layers(network).items() if isinstance(m, nn.Conv2d)}
    positions = {layer.name: layer.positions for layer in describe_layers(network, (2, 9, 9))}
    assert isinstance(choose_layout(convolutions, mask, positions), BatchLast)
    dense = Mask({name: np.ones_like(values) for name, values in mask.items()})
    assert isinstance(choose_layout(convolutions, dense, positions), BatchFirst)
