"""Tickets in files, to be written in other formats."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.helpers import layer_of
from uticket.config.paths import TicketFiles
from uticket.exchange.format import Source
from uticket.ticket.layer import Layer
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket


def linear_of(filters: int, channels: int, name: str = "fc", tokens: int = 1) -> Layer:
    sizes: dict[str, Any] = {"kernel": (1, 1), "stride": (1, 1), "padding": (0, 0)}
    sizes |= {"input_size": (1, tokens), "output_size": (1, tokens)}
    return Layer(name=name, kind="linear", filters=filters, channels=channels, **sizes)


def source_of(folder: Path, *layers: Layer, seed: int = 0, spikes: bool = True, **others: Any) -> Source:
    """A ticket of these layers in a folder: half of the weights kept, two images, three timesteps."""
    rng = np.random.default_rng(seed)
    mask = Mask({layer.name: rng.random(layer.weight_shape) < 0.5 for layer in layers})
    weights = {layer.name: rng.normal(size=layer.weight_shape).astype(np.float32) for layer in layers}
    reading = [layer for layer in layers if layer.reads == "spikes"]
    shapes = {layer.name: (2, 3, layer.channels, *layer.input_size) for layer in reading}
    arriving = {name: rng.random(shape) < 0.3 for name, shape in shapes.items()} if spikes else None
    ticket = Ticket(layers, mask, weights, 3, arriving)
    ticket.write(folder)
    return Source(TicketFiles(folder), ticket, **others)


def strided(name: str = "conv3", **others: Any) -> Layer:
    """A 3 x 3 convolution of 8 x 8 inputs by two, as at the start of a stage of a residual network."""
    return layer_of(4, 4, (8, 8), stride=(2, 2), name=name, **others)


def dilated(name: str = "far") -> Layer:
    """A 3 x 3 convolution whose kernel reaches over 5 x 5."""
    return layer_of(name=name).model_copy(update={"padding": (2, 2), "dilation": (2, 2)})
