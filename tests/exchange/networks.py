"""Networks whose neurons fire in every layer, as the tickets of a pipeline hold them."""

from pathlib import Path

import numpy as np
import torch
from ruamel.yaml import YAML
from torch import nn

from tests.helpers import PARAMS
from uticket.config.paths import TicketFiles
from uticket.config.training import Model
from uticket.engine.lif import LIF
from uticket.exchange.format import Source
from uticket.networks.network import SpikingNetwork, build, weight_layers
from uticket.networks.resnet import ResNet19
from uticket.networks.shapes import describe_layers
from uticket.ticket.layer import write_layers
from uticket.ticket.mask import Mask
from uticket.ticket.spikes import save_spikes
from uticket.ticket.ticket import Ticket
from uticket.training.checkpoint import copy_state, save_state
from uticket.training.masking import MaskedWeights

Shape = tuple[int, ...]


def lively(settings: Model, shape: Shape, classes: int = 5) -> SpikingNetwork:
    """A network with batch norms that no fold may take for the identity, and spikes everywhere."""
    network = build(settings, shape, classes, seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for norm in network.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.weight.copy_(0.5 + torch.rand(norm.weight.shape, generator=generator))
                norm.bias.copy_(0.5 + 0.3 * torch.randn(norm.weight.shape, generator=generator))
                norm.running_mean.copy_(0.1 * torch.randn(norm.weight.shape, generator=generator))
                norm.running_var.copy_(0.5 + torch.rand(norm.weight.shape, generator=generator))
        if isinstance(network, ResNet19):
            network.fc1.bias.add_(1)  # the mean of spikes alone makes no neuron fire
    return network


def saved(folder: Path, network: SpikingNetwork, settings: Model, shape: Shape) -> Source:
    """The network as a ticket with 70 % of its weights, which it has from now on, and params.yaml beside the folder."""
    rng = np.random.default_rng(3)
    files, layers = TicketFiles(folder), describe_layers(network, shape)
    masks = {name: rng.random(tuple(of.weight.shape)) < 0.7 for name, of in weight_layers(network).items()}
    save_state(copy_state(network), files.weights)  # of all weights: exports apply the mask
    MaskedWeights(network, Mask(masks))
    Mask(masks).save(files.mask)
    write_layers(files.layers, layers, network.timesteps)
    reading = [layer for layer in layers if layer.on_pes]
    arriving = {n.name: rng.random((1, network.timesteps, n.channels, *n.input_size)) < 0.3 for n in reading}
    save_spikes(files.spikes, arriving)
    path = folder.parent / "params.yaml"
    write_params(path, settings)
    return Source(files, Ticket.read(folder), params=path)


def write_params(path: Path, settings: Model) -> None:
    """The fixed params with another block `model`."""
    params = YAML(typ="safe").load(PARAMS)
    YAML().dump(params | {"model": settings.model_dump()}, path)


@torch.no_grad()
def run(network: SpikingNetwork, images: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Outputs (T, B, classes), and the spikes of each layer of neurons (T, B, ...)."""
    spikes: dict[str, torch.Tensor] = {}
    handles = [
        neurons.register_forward_hook(lambda _, inputs, output, name=name: spikes.update({name: output}))
        for name, neurons in network.named_modules()
        if isinstance(neurons, LIF)
    ]
    outputs = network(images)
    for handle in handles:
        handle.remove()
    return outputs, spikes


def images_of(shape: Shape, number: int = 1) -> torch.Tensor:
    return torch.randn(number, *shape, generator=torch.Generator().manual_seed(4))
