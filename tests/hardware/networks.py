"""Made-up networks for tests: layers in the order in which they run."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.hardware.plain_events import place_of
from tests.helpers import layer_of
from uticket.ticket.layer import Layer
from uticket.ticket.ticket import Ticket


def ticket_of(*layers: Layer, timesteps: int = 1) -> Ticket:
    """A ticket that keeps every weight."""
    return Ticket(layers, {layer.name: np.ones(layer.weight_shape, bool) for layer in layers}, timesteps=timesteps)


def conv(name: str, channels: int, filters: int, side: int, **others: Any) -> Layer:
    """A convolution of a square map, 3 x 3 with padding unless others say so."""
    return layer_of(filters, channels, (side, side), name=name, **others)


def shortcut(name: str, channels: int, filters: int, side: int, stride: int = 1, **others: Any) -> Layer:
    """A 1 x 1 convolution."""
    return conv(name, channels, filters, side, kernel=(1, 1), padding=(0, 0), stride=(stride, stride), **others)


@st.composite
def chains(draw) -> list[Layer]:
    """Convolutions in a row, the first of which reads the image; pooling may lie between."""
    side, channels = draw(st.integers(5, 9)), draw(st.integers(1, 3))
    layers = [conv("conv1", 1, channels, side, reads="image")]
    for number in range(draw(st.integers(1, 5))):
        filters, kernel = draw(st.integers(1, 3)), draw(st.sampled_from([(1, 1), (3, 3)]))
        side = draw(st.integers(3, side)) if side > 3 else side
        stride, padding = draw(st.sampled_from([(1, 1), (2, 2)])), draw(st.sampled_from([(0, 0), (1, 1)]))
        layers.append(layer_of(filters, channels, (side, side), kernel, stride, padding, f"conv{number + 2}"))
        side, channels = layers[-1].output_size[0], filters
        if side < 3:
            break
    return layers


def used_bits(layer: Layer, timesteps: int) -> int:
    """Bits of its input that a layer uses, by looking at each output and kernel position."""
    used = set()
    for y in range(layer.output_size[0]):
        for x in range(layer.output_size[1]):
            for row in range(layer.kernel[0]):
                for column in range(layer.kernel[1]):
                    at = tuple(n - p for n, p in zip(place_of(layer, row, column, y, x), layer.padding, strict=True))
                    if all(0 <= n < size for n, size in zip(at, layer.input_size, strict=True)):
                        used.add(at)
    return timesteps * layer.channels * len(used)
