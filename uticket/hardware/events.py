"""The event model: cycles of this mask under these spikes, on PEs that one broadcaster serves.

Groups and tiles run one after another. From one barrier to the next (`uticket.hardware.supplies`) the array obeys the
recurrence of `uticket.hardware.recurrence`: activations are sent to PEs, which keep up to a few of them in a FIFO.
Source: facts of the hardware model, sections 2 to 4 and 7.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.base.threads import in_threads
from uticket.config.array import Array, Broadcast
from uticket.hardware.groups import Demand, demand_of, groups_of
from uticket.hardware.layer_events import LayerEvents
from uticket.hardware.overhead import drain_of_pes, tile_overheads
from uticket.hardware.supplies import SUPPLIES, WITHOUT_BARRIERS
from uticket.hardware.tiles import tiles_of
from uticket.hardware.timing import LayerTiming
from uticket.hardware.tokens import Tokens, tokens_of
from uticket.mapping.placed import Placed
from uticket.mapping.policies import Ints
from uticket.ticket.ticket import Ticket


def events(placed: Placed, ticket: Ticket, array: Array, broadcast: Broadcast) -> LayerTiming:
    """Return how a layer runs under the spikes of the ticket, all images one after another.

    Raises InputError, naming the layer, if the ticket has no spikes of it.
    """
    layer = placed.layer
    if layer.name not in (ticket.spikes or {}):
        of = f"(images, {ticket.timesteps}, {layer.channels}, {layer.input_size[0]}, {layer.input_size[1]})"
        raise InputError(f"layer {layer.name!r}: expected spikes of shape {of}, got none")
    found = layer_events(placed, (ticket.spikes or {})[layer.name], array, broadcast)
    return LayerTiming(found.timing(), found.latency, found.by_pe())


def layer_events(placed: Placed, spikes: NDArray[Any], array: Array, broadcast: Broadcast) -> LayerEvents:
    """Run one layer, the images side by side in threads.

    spikes: (images, T, channels, height, width), booleans or numbers of spikes (uint8).
    """
    groups, tiles = groups_of(placed), tiles_of(placed, array.accumulators)
    demands = {copies: demand_of(of, placed, broadcast) for copies, of in groups.items()}
    _, drains = tile_overheads(placed, array)
    drain = drain_of_pes(placed, drains.sum(axis=1))
    drains = drains.sum(axis=WITHOUT_BARRIERS[placed.dataflow.supply], keepdims=True)

    def run(image: NDArray[Any]) -> LayerEvents:
        arriving = {
            copies: (of, tokens_of(placed.layer, image, tiles[copies], broadcast.token_cost))
            for copies, of in groups.items()
        }
        ran = SUPPLIES[placed.dataflow.supply](placed, arriving, array, broadcast)
        counts = [_counts(demands[copies], tokens) for copies, (_, tokens) in arriving.items()]
        return LayerEvents.of_image(placed.layer.name, ran, drains, drain, np.sum(counts, axis=0))

    return LayerEvents.of_images(in_threads(run, spikes))


def _counts(demand: Demand, tokens: Tokens) -> Ints:
    """Return the delivered and the dropped tokens, the operations and the pushes of all groups, shape (4,)."""
    num = tokens.num_of_key
    return np.array([num @ demand.groups, num @ demand.others, tokens.spikes @ demand.weights, num @ demand.pushes])


MODELS: dict[str, Callable[[Placed, Ticket, Array, Broadcast], LayerTiming]] = {"events": events}
