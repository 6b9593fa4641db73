"""A ticket on the array, by either model: cycles, tokens, energy and memory accesses of each layer for one image."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uticket.config.array import Array, Broadcast, Energy
from uticket.config.tables import MODELS
from uticket.hardware.activations import Activations, place_activations
from uticket.hardware.bandwidth import bound_of, layer_transfers, memory_cycles
from uticket.hardware.chip import Chip
from uticket.hardware.cost import Cost, network_cost
from uticket.hardware.energy import Counts, chip_energy, pe_energy
from uticket.hardware.moves import layer_moves
from uticket.hardware.timing import LayerTiming, Timing
from uticket.hardware.traffic import layer_traffic
from uticket.mapping.placed import Placed, place
from uticket.ticket.left_out import LeftOut
from uticket.ticket.ticket import Ticket

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Simulation:
    """What a ticket costs on an array."""

    layers: tuple[Cost, ...]  # of the layers on the PEs, in order
    network: Cost  # the sums; utilization as in `uticket.hardware.cycles`, FIFO mean weighted by latency
    pe_area_um2: float  # of a PE with its FIFO; inf with an unlimited one. The analytic model needs no FIFO
    left_out: LeftOut

    def frame(self) -> "pd.DataFrame":
        """Return a row for each layer."""
        import pandas as pd  # imported here: takes a second

        return pd.DataFrame([{"layer": cost.name, **cost.columns()} for cost in self.layers])


def simulate(
    ticket: Ticket,
    array: Array | None = None,
    broadcast: Broadcast | None = None,
    chip: Chip | None = None,
    energy: Energy | None = None,
    model: str = "events",
) -> Simulation:
    """Run all layers of a ticket that run on the PEs, by one timing model (`analytic` or `events`).

    array, broadcast, chip, energy: by default 16 PEs, FIFOs of 64 tokens, the default chip and E_l / E_d.
    Raises InputError, naming the layer, if the model lacks its spikes or the array its weights, if no layer runs on
    the PEs, or if there is no such model.
    """
    array, broadcast = array or Array(), broadcast or Broadcast()
    chip, ratio = chip or Chip.read(), (energy or Energy()).leakage_ratio
    run = MODELS.named(model, "model")
    ticket = ticket.on_array(array)
    kept = place_activations(ticket, 8 * chip.memories.spikes.capacity.value)
    layers = tuple(
        _cost(placed, run(placed, ticket, array, broadcast), kept, ticket.timesteps, array, broadcast, chip, ratio)
        for placed in place(ticket, array)
    )
    area = chip.pe_area_um2 + chip.fifo_area_um2(broadcast.fifo_depth if model != "analytic" else 0)
    return Simulation(layers, network_cost(layers), area, ticket.left_out)


def _cost(
    placed: Placed,
    ran: LayerTiming,
    kept: Mapping[str, Activations],
    timesteps: int,
    array: Array,
    broadcast: Broadcast,
    chip: Chip,
    leakage_ratio: float,
) -> Cost:
    layer = placed.layer
    moves = layer_moves(placed, kept[layer.name], timesteps, array, chip)
    transfers, traffic = layer_transfers(moves, chip), layer_traffic(moves, chip)
    bound, limited = bound_of(ran.timing, array.pes, transfers.needed), array.bandwidth == "chip"
    ran = ran.waiting(memory_cycles(ran.cycles, moves, transfers, array.buffers) if limited else 0, array.pes)
    timing = ran.timing
    updates = layer.filters * layer.positions * timesteps
    waiting = timing.idle_cycles + timing.swap_cycles + timing.drain_cycles + array.pes * timing.memory_cycles
    counts = Counts(
        pes=array.pes,
        latency_cycles=timing.latency_cycles,
        work_cycle=timing.work_cycles,
        operation=timing.operations,
        update=updates,
        pushes=timing.fifo_pushes,
        fifo_depth=fifo_entries(timing, broadcast),
        loaded_words=int(moves.loaded_words.sum()) if limited else 0,
        traffic=traffic,
    )
    return Cost(
        **vars(timing),
        name=layer.name,
        filters=layer.filters,
        weights=layer.num_weights,
        nonzeros=int(placed.nonzeros.sum()),
        groups=placed.num_groups,
        energy=pe_energy(timing.work_cycles, waiting, timing.operations, leakage_ratio),
        energy_pj=chip_energy(counts, chip),
        accesses=traffic.columns(),
        needed_cycles=transfers.needed,
        bound=bound,
        weight_format=moves.weight_format,
        by_pe=ran.by_pe,
    )


def fifo_entries(timing: Timing, broadcast: Broadcast) -> float:
    """Return the entries of the FIFO of a PE: its depth, or of an unlimited one the most that were in use."""
    if not timing.fifo_pushes:
        return 0
    return timing.fifo_max if math.isinf(broadcast.fifo_depth) else broadcast.fifo_depth
