"""A VGG-16 for images of 32 x 32, pruned to 98 %: made-up masks and spikes."""

from typing import Any

import numpy as np

from uticket.base.seeds import generator
from uticket.ticket.layer import Layer
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

DENSITY, RATE, TIMESTEPS = 0.02, 0.15, 4
FILTERS = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
SIZES = [32, 32, 16, 16, 8, 8, 8, 4, 4, 4, 2, 2, 2]


def vgg16_masks() -> list[np.ndarray]:
    """Masks of VGG-16's convolutions in which filters differ in density, as those of lottery tickets do."""
    rng = generator(0, "benchmark")
    masks = []
    for channels, filters in zip([3, *FILTERS], FILTERS, strict=False):
        density = DENSITY * rng.gamma(2.0, 0.5, size=(filters, 1, 1, 1))
        masks.append(rng.random((filters, channels, 3, 3)) < density)
    return masks


def vgg16(images: int = 1) -> Ticket:
    """Return the convolutions that read spikes: all but the first, with their masks and spikes."""
    rng = generator(0, "benchmark", "spikes")
    layers, masks, spikes = [], {}, {}
    for number, mask in list(enumerate(vgg16_masks()))[1:]:
        name, side, channels = f"conv{number + 1}", SIZES[number], FILTERS[number - 1]
        shape: dict[str, Any] = {"kernel": (3, 3), "stride": (1, 1), "padding": (1, 1)}
        sizes: dict[str, Any] = {"input_size": (side, side), "output_size": (side, side)}
        layers.append(Layer(name=name, kind="conv", filters=FILTERS[number], channels=channels, **shape, **sizes))
        masks[name] = mask
        rate = RATE * rng.gamma(1.0, 1.0, size=(1, 1, channels, side, side))
        spikes[name] = rng.random((images, TIMESTEPS, channels, side, side)) < rate
    sparsity = {name: float(1 - values.mean()) for name, values in spikes.items()}
    return Ticket(tuple(layers), Mask(masks), timesteps=TIMESTEPS, spikes=spikes, spike_sparsity=sparsity)
