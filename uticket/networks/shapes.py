"""The shape of each layer of a network, as one forward pass shows it."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from uticket.base.errors import InputError
from uticket.capturing.axes import describe, own_axes
from uticket.networks.network import SpikingNetwork, WeightLayer, weight_layers
from uticket.ticket.layer import Layer, Reads


def describe_layers(network: SpikingNetwork, image_shape: Sequence[int], reads: Reads = "image") -> list[Layer]:
    """Return the layers with weights in the order in which they run.

    image_shape: (channels, height, width), or frames with the number of bins before. reads: what the first layer reads.
    Raises InputError if an own network has a layer that is not one convolution, such as one whose padding differs from
    one side to the other.
    """
    found: dict[str, Layer] = {}
    layers = weight_layers(network)
    names: dict[nn.Module, str] = {module: name for name, module in layers.items()}

    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        name = names[module]
        if name not in found:  # where the timesteps are a loop, the first one shows all
            of_layer: Reads = reads if name == network.encoder else "spikes"
            found[name] = _describe(network, name, layers[name], inputs[0], output, of_layer)

    handles = [module.register_forward_hook(record) for module in names]
    device = next(network.parameters()).device
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, *image_shape, device=device))
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return list(found.values())


def _describe(
    network: SpikingNetwork, name: str, module: WeightLayer, values: Tensor, output: Tensor, reads: Reads
) -> Layer:
    """Return the shape of a layer that sees one image, in one timestep or in all of them."""
    own = own_axes(name, module, values)[1]
    lead, inputs, outputs = values.shape[:-own], values.shape[-own:], output.shape[-own:]
    times = math.prod(lead)
    tokens = times // network.timesteps if lead[0] == network.timesteps else times
    try:
        return describe(name, module, inputs, outputs, tokens, reads, network.adds_to.get(name))
    except InputError as error:
        raise InputError(f"model.name: {error}") from None
