"""The event model: cycles of this mask under these spikes, on PEs that one broadcaster serves.

Groups and tiles run one after another. From one barrier to the next (`uticket.hardware.stretches`) the array obeys the
recurrence of `uticket.hardware.recurrence`: activations are sent to PEs, which keep up to a few of them in a FIFO.
Source: facts of the hardware model, sections 2 to 4 and 7.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.base.threads import in_threads
from uticket.config.array import Array, Broadcast
from uticket.hardware.group import GroupWeights, group_weights
from uticket.hardware.layer_events import LayerEvents
from uticket.hardware.stretches import STRETCHES, num_stretches
from uticket.hardware.tiles import Tiles, tiles_of
from uticket.hardware.timing import LayerTiming
from uticket.hardware.tokens import tokens_of
from uticket.mapping.placed import Placed
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


def layer_events(placed: Placed, spikes: NDArray[np.bool_], array: Array, broadcast: Broadcast) -> LayerEvents:
    """Run one layer, the images side by side in threads; spikes: (images, T, channels, height, width)."""
    groups, tiles = [*group_weights(placed)], tiles_of(placed, array.accumulators)
    return LayerEvents.of_images(in_threads(partial(_run_image, placed, groups, tiles, array, broadcast), spikes))


def _run_image(
    placed: Placed,
    groups: Sequence[GroupWeights],
    tiles: Mapping[int, Tiles],
    array: Array,
    broadcast: Broadcast,
    image: NDArray[np.bool_],
) -> LayerEvents:
    """Run one layer under one image; tiles: by copies of a group, image: (T, channels, height, width)."""
    result = LayerEvents.nothing_yet(placed.layer.name, *num_stretches(placed, tiles), placed.pes)
    arriving = {copies: tokens_of(placed.layer, image, cuts, broadcast.token_cost) for copies, cuts in tiles.items()}
    for weights, copies in zip(groups, placed.copies.tolist(), strict=True):
        tokens = arriving[copies]
        delivered = int(tokens.num_of_key[weights.wanted].sum())
        result.delivered_tokens += delivered
        result.dropped_tokens += len(tokens.cost) - delivered
        result.operations += int(tokens.spikes[weights.key] @ weights.times)
        if broadcast.fifo_depth and placed.dataflow.supply == "patches":  # all PEs of a copy keep the whole patch
            result.pushes += int(weights.sent(tokens, broadcast.skip_unwanted).sum()) * weights.pes
        elif broadcast.fifo_depth:
            result.pushes += int(tokens.num_of_key[weights.key].sum())
    for stretch in STRETCHES[placed.dataflow.supply](placed, groups, arriving, array, broadcast):
        result.add(*stretch)
    return result


MODELS: dict[str, Callable[[Placed, Ticket, Array, Broadcast], LayerTiming]] = {"events": events}
