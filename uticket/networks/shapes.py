"""The shape of each layer of a network, as one forward pass shows it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from uticket.networks.network import SpikingNetwork, weight_layers
from uticket.ticket.layer import Layer, Reads


def describe_layers(network: SpikingNetwork, image_shape: Sequence[int], reads: Reads = "image") -> list[Layer]:
    """Return the layers with weights in the order in which they run.

    image_shape: (channels, height, width), or frames with the number of bins before. reads: what the first layer reads.
    """
    found: list[Layer] = []
    layers = weight_layers(network)
    names: dict[nn.Module, str] = {module: name for name, module in layers.items()}

    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        name = names[module]
        of_layer: Reads = reads if name == network.encoder else "spikes"
        found.append(_describe(name, layers[name], inputs[0], output, of_layer, network))

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
    return found


def _describe(
    name: str, module: nn.Conv2d | nn.Linear, inputs: Tensor, output: Tensor, reads: Reads, network: SpikingNetwork
) -> Layer:
    filters, channels, one = output.shape[1], inputs.shape[1], (1, 1)
    if isinstance(module, nn.Linear):
        sizes = {"kernel": one, "stride": one, "padding": (0, 0), "input_size": one, "output_size": one}
        return Layer(name=name, kind="linear", filters=filters, channels=channels, reads=reads, **sizes)
    sizes = {
        "kernel": _pair(module.kernel_size),
        "stride": _pair(module.stride),
        "padding": _pair(module.padding),
        "input_size": _pair(inputs.shape[2:]),
        "output_size": _pair(output.shape[2:]),
    }
    adds_to = network.adds_to.get(name)
    return Layer(name=name, kind="conv", filters=filters, channels=channels, reads=reads, adds_to=adds_to, **sizes)


def _pair(sizes: Sequence[int] | str) -> tuple[int, int]:
    height, width = (int(size) for size in sizes)
    return height, width
