"""A small ticket and space, for tests of the exploration."""

import numpy as np

from tests.helpers import layer_of
from uticket.ticket.ticket import Ticket

SPACE = {"pes": [2, 4, 8], "mapping": ["contiguous", "sorted"], "broadcast": {"fifo_depth": [0, 2, "inf"]}}


def small_ticket(seed: int = 0) -> Ticket:
    """Two convolutions with weights and spikes of two images."""
    rng = np.random.default_rng(seed)
    layers = [layer_of(8, 4, name="conv2"), layer_of(8, 8, name="conv3")]
    weights = {n.name: rng.normal(size=n.weight_shape) for n in layers}
    mask = {name: rng.random(values.shape) < 0.2 for name, values in weights.items()}
    spikes = {n.name: rng.random((2, 3, n.channels, *n.input_size)) < 0.3 for n in layers}
    return Ticket(layers, mask, weights, 3, spikes)
