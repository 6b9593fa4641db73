"""A ticket on the array, by either model: cycles, tokens, energy and memory accesses of each layer for one image."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from uticket.base.errors import InputError
from uticket.config.array import Array, Broadcast, Energy
from uticket.config.tables import MODELS
from uticket.hardware.activations import Activations, place_activations
from uticket.hardware.chip import Chip
from uticket.hardware.cycles import mean_utilization
from uticket.hardware.energy import Counts, chip_energy, pe_energy
from uticket.hardware.timing import LayerTiming, Timing
from uticket.hardware.traffic import layer_traffic
from uticket.mapping.placed import Placed, place
from uticket.ticket.ticket import Ticket

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Cost(Timing):
    """What a layer, or a network, costs on the array for one image: its timing, energy and memory accesses."""

    name: str
    filters: int
    weights: int  # kept or not
    nonzeros: int
    groups: int
    energy: float  # Eq. 3, in units of E_d
    energy_pj: dict[str, float]  # bottom-up, by component (`uticket.hardware.energy`)
    accesses: dict[str, int]  # of the memories (`uticket.hardware.traffic`)
    weight_format: str = (
        "wsp"  # of the weights in DRAM and in the memory for weights; of a network `mixed` if layers differ
    )
    by_pe: dict[str, list[float]] = field(default_factory=dict)  # cycles of each PE, by what it does; event model only

    @property
    def total_pj(self) -> float:
        """The energy of all components."""
        return sum(self.energy_pj.values())

    @property
    def pe_pj(self) -> float:
        """The energy of the PEs: all but the memories beside them."""
        return sum(value for name, value in self.energy_pj.items() if not name.startswith(("sram", "dram")))

    def timing(self) -> dict[str, float]:
        """Return the fields of `Timing`."""
        return {part.name: getattr(self, part.name) for part in fields(Timing)}

    def words(self) -> dict[str, str]:
        """Return what is not a number."""
        return {"weight_format": self.weight_format}

    def columns(self) -> dict[str, Any]:
        """Return the numbers, and words, by the name of their column in a table."""
        size = {name: getattr(self, name) for name in ("filters", "weights", "nonzeros", "groups")}
        sums = {"pe_pj": self.pe_pj, "total_pj": self.total_pj}
        return {
            **size,
            **self.timing(),
            "energy": self.energy,
            **self.energy_pj,
            **sums,
            **self.accesses,
            **self.words(),
        }


@dataclass(frozen=True)
class Simulation:
    """What a ticket costs on an array."""

    layers: tuple[Cost, ...]  # of the layers on the PEs, in order
    network: Cost  # the sums; utilization as in `uticket.hardware.cycles`, FIFO mean weighted by latency
    pe_area_um2: float  # of a PE with its FIFO; inf with an unlimited one. The analytic model needs no FIFO

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
    kept = place_activations(ticket, 8 * chip.memories.spikes.capacity.value)
    layers = tuple(
        _cost(placed, run(placed, ticket, array, broadcast), kept, ticket.timesteps, array, broadcast, chip, ratio)
        for placed in place(ticket, array)
    )
    area = chip.pe_area_um2 + chip.fifo_area_um2(broadcast.fifo_depth if model != "analytic" else 0)
    return Simulation(layers, network_cost(layers), area)


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
    layer, timing = placed.layer, ran.timing
    traffic = layer_traffic(placed, kept[layer.name], timesteps, array, chip)
    updates = layer.filters * layer.positions * timesteps
    waiting = timing.idle_cycles + timing.swap_cycles + timing.drain_cycles
    counts = Counts(
        pes=array.pes,
        latency_cycles=timing.latency_cycles,
        work_cycle=timing.work_cycles,
        operation=timing.operations,
        update=updates,
        pushes=timing.fifo_pushes,
        fifo_depth=fifo_entries(timing, broadcast),
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
        weight_format=traffic.weight_format,
        by_pe=ran.by_pe,
    )


def fifo_entries(timing: Timing, broadcast: Broadcast) -> float:
    """Return the entries of the FIFO of a PE: its depth, or of an unlimited one the most that were in use."""
    if not timing.fifo_pushes:
        return 0
    return timing.fifo_max if math.isinf(broadcast.fifo_depth) else broadcast.fifo_depth


def network_cost(costs: Sequence[Cost]) -> Cost:
    """Return the sums over the layers; raises InputError if there are none."""
    if not costs:
        raise InputError("layers: expected a layer that runs on the PEs, got none")
    sums: dict[str, Any] = {name: sum(getattr(cost, name) for cost in costs) for name in costs[0].timing()}
    total = sum(sums[f"{name}_cycles"] for name in ("work", "idle", "swap", "drain"))
    latency = sums["latency_cycles"]
    waited = sum(cost.fifo_mean * cost.latency_cycles for cost in costs)
    means = {
        "utilization": mean_utilization([(n.weights, n.work_cycles, n.utilization) for n in costs]),
        "busy_share": sums["work_cycles"] / total if total else 1.0,
        "fifo_mean": waited / latency if latency else 0.0,
        "fifo_max": max(cost.fifo_max for cost in costs),
    }
    return Cost(
        **{**sums, **means},
        name="network",
        filters=sum(cost.filters for cost in costs),
        weights=sum(cost.weights for cost in costs),
        nonzeros=sum(cost.nonzeros for cost in costs),
        groups=sum(cost.groups for cost in costs),
        energy=sum(cost.energy for cost in costs),
        energy_pj={name: sum(cost.energy_pj[name] for cost in costs) for name in costs[0].energy_pj},
        accesses={name: sum(cost.accesses[name] for cost in costs) for name in costs[0].accesses},
        weight_format=costs[0].weight_format if len({cost.weight_format for cost in costs}) == 1 else "mixed",
    )
