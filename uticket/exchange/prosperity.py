"""prosperity: the spikes of one image as a pickle that the simulator of Prosperity reads, with the layers' shapes.

Source: github.com/dubcyfor3/Prosperity, commit 6ee1c6f: simulator/networks.py (`create_network`), simulator/configs.py
and simulator/utils.py (`img2col`).
"""

import pickle
from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from uticket.base.errors import InputError
from uticket.base.files import write_bytes
from uticket.exchange.format import Format, Source, Written
from uticket.ticket.layer import Layer
from uticket.ticket.ticket import Ticket

Shape = list[int]
BATCH = 1  # image; the simulator runs no more


def write_prosperity(source: Source, out: Path) -> Written:
    """Write a pickle of one dictionary: layer -> boolean tensor of its input spikes, and "config" -> the network.

    Tensors are (T, channels, height, width), or (T, tokens, channels) of a linear layer. "config" has, in order, the
    shape of each layer and of the neurons after it, as the functions of configs.py return them. Raises InputError,
    naming the file, if the ticket has no spikes, or not of that image.
    """
    ticket = source.ticket
    if ticket.spikes is None:
        raise InputError(f"{source.files.spikes}: expected the spikes of the ticket, got no file")
    if source.image >= ticket.num_images:
        raise InputError(
            f"--image: expected less than {ticket.num_images}, the images of the ticket, got {source.image}"
        )
    layers, left_out = source.choose(lambda layer: why_not(layer, ticket))
    config: OrderedDict[str, Shape] = OrderedDict()
    tensors: dict[str, torch.Tensor] = {}
    for layer in layers:
        spikes = torch.from_numpy(ticket.spikes[layer.name][source.image])
        name, config[name] = described(layer, ticket.timesteps)
        tensors[name] = (spikes if layer.kind == "conv" else spikes[:, :, 0].mT).contiguous()
        if fires(layer, ticket.layers):
            config[f"lif_{layer.name}"] = [layer.filters * layer.positions, BATCH, ticket.timesteps]
    write_bytes(out, pickle.dumps({**tensors, "config": config}, protocol=4))
    return Written(f"spikes of image {source.image} in {len(tensors)} layers", left_out)


def why_not(layer: Layer, ticket: Ticket) -> str:
    """Say why the simulator cannot run a layer; empty if it can."""
    spikes = (ticket.spikes or {}).get(layer.name)
    if spikes is None:
        return "no spikes in the ticket"
    if spikes.dtype != np.bool_:
        return "reads counts"
    if layer.groups > 1 or layer.dilation != (1, 1):
        return f"{layer.groups} groups, dilation {layer.dilation}"
    sides = (layer.kernel, layer.stride, layer.padding, layer.input_size)
    square = layer.kind == "linear" or all(height == width for height, width in sides)
    return "" if square else "not square"


def described(layer: Layer, timesteps: int) -> tuple[str, Shape]:
    """Return the name of a layer, which says what it is, and its entry in "config"."""
    if layer.kind == "linear":
        return f"fc_{layer.name}", [layer.channels, layer.filters, layer.positions, BATCH, timesteps]
    sides = [layer.kernel[0], layer.padding[0], layer.stride[0]]
    return f"conv2d_{layer.name}", [layer.input_size[0], layer.channels, layer.filters, *sides, BATCH, timesteps]


def fires(layer: Layer, layers: Sequence[Layer]) -> bool:
    """Return whether neurons come right after a layer.

    The last layer of a network has none, and of layers in a row that add to the same sum only the last one.
    """
    after = [other for one, other in pairwise(layers) if one is layer]
    return bool(after) and not (layer.adds_to and layer.adds_to == after[0].adds_to)


FORMATS = {"prosperity": Format((".pkl",), write_prosperity)}
