"""The shape of each layer of a network, as one forward pass shows it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from uticket.base.errors import InputError
from uticket.networks.network import SpikingNetwork, WeightLayer, weight_layers
from uticket.ticket.layer import Layer, Reads


def describe_layers(network: SpikingNetwork, image_shape: Sequence[int], reads: Reads = "image") -> list[Layer]:
    """Return the layers with weights in the order in which they run.

    image_shape: (channels, height, width), or frames with the number of bins before. reads: what the first layer reads.
    Raises InputError if an own network has a layer whose padding differs from one side to the other.
    """
    found: dict[str, Layer] = {}
    layers = weight_layers(network)
    names: dict[nn.Module, str] = {module: name for name, module in layers.items()}

    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        name = names[module]
        if name not in found:  # where the timesteps are a loop, the first one shows all
            of_layer: Reads = reads if name == network.encoder else "spikes"
            shape = _shape(name, layers[name], inputs[0], output, network.timesteps)
            found[name] = shape.model_copy(update={"reads": of_layer, "adds_to": network.adds_to.get(name)})

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


def _shape(name: str, module: WeightLayer, inputs: Tensor, output: Tensor, timesteps: int) -> Layer:
    """Return the shape of a layer that sees one image, in one timestep or in all of them."""
    if isinstance(module, nn.Linear):
        one, times = (1, 1), inputs.numel() // inputs.shape[-1]
        tokens = times // timesteps if len(inputs) == timesteps else times
        sizes = {"kernel": one, "stride": one, "padding": (0, 0), "input_size": (1, tokens), "output_size": (1, tokens)}
        return Layer(name=name, kind="linear", filters=output.shape[-1], channels=inputs.shape[-1], **sizes)
    return Layer(
        name=name,
        kind="conv",
        filters=output.shape[1],
        channels=inputs.shape[1],
        kernel=_pair(module.kernel_size),
        stride=_pair(module.stride),
        padding=_padding(name, module),
        input_size=_pair(inputs.shape[2:]),
        output_size=_pair(output.shape[2:]),
        dilation=_pair(module.dilation),
        groups=module.groups,
    )


def _padding(name: str, module: nn.Conv1d | nn.Conv2d) -> tuple[int, int]:
    if not isinstance(module.padding, str):
        return _pair(module.padding, one=0)
    if module.padding == "valid":
        return 0, 0
    both = [far * (size - 1) for far, size in zip(module.dilation, module.kernel_size, strict=True)]
    if any(pad % 2 for pad in both):
        raise InputError(f"model.name: expected the same padding on both sides of {name!r}, got a kernel of even size")
    return _pair([pad // 2 for pad in both], one=0)


def _pair(sizes: Sequence[int], one: int = 1) -> tuple[int, int]:
    """Return (height, width); what has no height has `one`."""
    *height, width = (int(size) for size in sizes)
    return height[0] if height else one, width
