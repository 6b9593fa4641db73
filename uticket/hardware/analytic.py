"""The analytic model of the paper: no PE waits for the broadcaster, only for the busiest PE of its group."""

from collections.abc import Callable

import numpy as np

from uticket.base.errors import InputError
from uticket.config.array import Array, Broadcast
from uticket.hardware.cycles import group_latencies, layer_cycles
from uticket.hardware.overhead import changes_of_pes, scan_cycles, tile_overheads
from uticket.hardware.tiles import table_by_tile, tiles_of_groups
from uticket.hardware.timing import LayerTiming, Timing
from uticket.mapping.placed import Placed
from uticket.mapping.policies import Ints
from uticket.ticket.layer import Layer
from uticket.ticket.ticket import Ticket


def analytic(placed: Placed, ticket: Ticket, array: Array, broadcast: Broadcast) -> LayerTiming:
    """Return how a layer runs if every kept weight takes a cycle for each output and timestep.

    Raises InputError, naming the layer, if the ticket knows neither its spike sparsity nor its spikes.
    """
    cycles, layer = layer_cycles(placed, ticket.timesteps), placed.layer
    active, tiles = (placed.used_pes * placed.copies)[:, np.newaxis], tiles_of_groups(placed, array.accumulators)
    changes = changes_of_pes(placed, array).sum(axis=1) * placed.copies * [cuts.num_tiles for cuts in tiles]
    swaps, drains = tile_overheads(placed, array)
    scans, matches = scan_cycles(placed, ticket.timesteps), placed.workload * ticket.timesteps
    longer = (matches + scans).max(axis=1) - matches.max(axis=1)  # for each output
    groups = group_latencies(placed, ticket.timesteps) + longer * -(-layer.positions // placed.copies)
    by_tile = split_by_outputs(groups, placed, array) + swaps + drains
    latency = int(by_tile.sum())
    swapping = int(changes.sum() + scans.sum() * layer.positions)
    draining = int((drains * active).sum())
    idle = placed.pes * latency - cycles.work_cycles - swapping - draining
    timing = Timing(
        utilization=cycles.utilization,
        busy_share=cycles.work_cycles / (placed.pes * latency) if latency else 1.0,
        work_cycles=cycles.work_cycles,
        idle_cycles=idle,
        latency_cycles=latency,
        starved_cycles=0,
        blocked_cycles=0,
        tail_cycles=idle,
        fifo_mean=0.0,
        fifo_max=0,
        tokens=int(placed.channels_read.sum()) * layer.kernel[0] * layer.kernel[1] * layer.positions,
        dropped_tokens=0,
        operations=cycles.work_cycles * spikes_of_an_input(ticket, layer),
        swap_cycles=swapping,
        drain_cycles=draining,
    )
    return LayerTiming(timing, by_tile[np.newaxis])


def split_by_outputs(latencies: Ints, placed: Placed, array: Array) -> Ints:
    """Return the cycles of each group, (groups,), by tile in proportion to its outputs, rounded so that they add up.

    Shape (groups, tiles).
    """
    tiles = tiles_of_groups(placed, array.accumulators)
    outputs = np.cumsum(table_by_tile(tiles, [cuts.sizes for cuts in tiles]), axis=1)
    return np.diff(latencies[:, np.newaxis] * outputs // placed.layer.positions, axis=1, prepend=0)


def spikes_of_an_input(ticket: Ticket, layer: Layer) -> float:
    """Return the mean number of spikes of a layer's inputs in a timestep, as measured, or as the ticket's spikes say.

    Of a layer that reads counts only the ticket's spikes say how many arrive at a time; without them one does.
    """
    arriving = (ticket.spikes or {}).get(layer.name)
    if layer.reads == "counts" and arriving is not None:
        return float(arriving.mean())
    if ticket.spike_sparsity is not None and layer.name in ticket.spike_sparsity:
        return 1 - ticket.spike_sparsity[layer.name]
    if arriving is not None:
        return 1 - float(1 - arriving.mean())
    raise InputError(f"layer {layer.name!r}: expected its spikes or its spike sparsity, got none")


MODELS: dict[str, Callable[[Placed, Ticket, Array, Broadcast], LayerTiming]] = {"analytic": analytic}
