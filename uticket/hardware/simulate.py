"""A network on the array, by either model: cycles, tokens, energy and memory accesses of each layer for one image."""

from collections.abc import Mapping as Named
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from uticket.config.names import CostModel
from uticket.hardware.analytic import count_cycles, mean_utilization
from uticket.hardware.chip import Chip
from uticket.hardware.cycles import group_copies
from uticket.hardware.energy import Counts, chip_energy, pe_energy
from uticket.hardware.events import Broadcast, LayerEvents, Spikes, simulate_events
from uticket.hardware.traffic import layer_traffic
from uticket.mapping.mapping import Array, map_layers
from uticket.ticket.layer import Layer


@dataclass(frozen=True)
class Network:
    """What runs: masks of what the array holds, and what arrives at each layer; all by layer name."""

    layers: Sequence[Layer]
    masks: Named[str, NDArray[np.bool_]]
    timesteps: int
    spike_sparsity: Named[str, float]  # for the analytic model
    spikes: Named[str, Spikes]  # (images, T, channels, height, width), for the event model


@dataclass(frozen=True)
class Course:
    """How a layer, or a network, runs on the array: for one image, the mean if there are more.

    Of all PEs together work + idle = PEs * latency, and idle = starved + blocked + tail (`uticket.hardware.events`); in
    the analytic model all that is idle is tail.
    """

    utilization: float  # Eq. 2, in [0, 1]
    busy_share: float  # work / (work + idle), in [0, 1]
    work_cycles: float
    idle_cycles: float
    latency_cycles: float
    starved_cycles: float
    blocked_cycles: float
    tail_cycles: float
    fifo_mean: float  # tokens (or channels) waiting at a PE, over time
    fifo_max: int
    tokens: float  # for which a PE of the group has a weight; in the analytic model all, padding and zeros too
    dropped_tokens: float  # for which none has
    operations: float  # weights that meet a spike


@dataclass(frozen=True)
class Cost:
    """What a layer, or a network, costs on the array for one image."""

    name: str
    filters: int
    weights: int  # kept or not
    nonzeros: int
    groups: int
    course: Course
    energy: float  # Eq. 3, in units of E_d
    energy_pj: dict[str, float]  # bottom-up, by component (`uticket.hardware.energy`)
    accesses: dict[str, int]  # of the memories (`uticket.hardware.traffic`)
    by_pe: dict[str, list[float]] = field(default_factory=dict)  # cycles of each PE, by what it does; event model only

    @property
    def total_pj(self) -> float:
        """The energy of all components."""
        return sum(self.energy_pj.values())

    @property
    def pe_pj(self) -> float:
        """The energy of the PEs: all but the memories beside them."""
        return sum(value for name, value in self.energy_pj.items() if not name.startswith(("sram", "dram")))

    def columns(self) -> dict[str, float]:
        """Return the numbers by the name of their column in a table."""
        size = {name: getattr(self, name) for name in ("filters", "weights", "nonzeros", "groups")}
        return {
            **size,
            **vars(self.course),
            "energy": self.energy,
            **self.energy_pj,
            "pe_pj": self.pe_pj,
            "total_pj": self.total_pj,
            **self.accesses,
        }


def simulate(
    network: Network, array: Array, broadcast: Broadcast, chip: Chip, leakage_ratio: float, model: CostModel
) -> list[Cost]:
    """Run all layers of a network by one model.

    Raises InputError, naming the layer, if the event model gets no spikes for it, or spikes of another shape.
    """
    mappings = map_layers(network.layers, network.masks, array)
    by_pe: list[dict[str, list[float]]] = [{}] * len(network.layers)
    if model == "analytic":
        courses = analytic_courses(network, array)
    else:
        masks, spikes = network.masks, network.spikes
        events = list(simulate_events(network.layers, masks, spikes, network.timesteps, array, broadcast))
        courses, by_pe = [mean_course(layer) for layer in events], [split_by_pe(layer) for layer in events]
    costs = []
    for layer, course, split in zip(network.layers, courses, by_pe, strict=True):
        mask, mapping = network.masks[layer.name], mappings[layer.name]
        copies = group_copies(mapping, layer.positions, array.spare_pes)
        traffic = layer_traffic(layer, mask, mapping, copies, network.timesteps, broadcast.accumulators, chip)
        updates = layer.filters * layer.positions * network.timesteps
        counts = Counts(array.pes, course.latency_cycles, course.work_cycles, course.operations, updates, traffic)
        cost = Cost(
            name=layer.name,
            filters=layer.filters,
            weights=layer.num_weights,
            nonzeros=int(np.count_nonzero(mask)),
            groups=mapping.num_groups,
            course=course,
            energy=pe_energy(course.work_cycles, course.idle_cycles, course.operations, leakage_ratio),
            energy_pj=chip_energy(counts, chip),
            accesses=traffic.columns(),
            by_pe=split,
        )
        costs.append(cost)
    return costs


def analytic_courses(network: Network, array: Array) -> list[Course]:
    """Return how each layer runs in the analytic model: without waiting for the broadcaster."""
    courses = []
    results = count_cycles(network.layers, network.masks, array, network.timesteps)
    for layer, result in zip(network.layers, results, strict=True):
        total = result.work_cycles + result.idle_cycles
        course = Course(
            utilization=result.utilization,
            busy_share=result.work_cycles / total if total else 1.0,
            work_cycles=result.work_cycles,
            idle_cycles=result.idle_cycles,
            latency_cycles=result.latency_cycles,
            starved_cycles=0,
            blocked_cycles=0,
            tail_cycles=result.idle_cycles,
            fifo_mean=0.0,
            fifo_max=0,
            tokens=result.groups * layer.positions * layer.num_weights // layer.filters,
            dropped_tokens=0,
            operations=result.work_cycles * (1 - network.spike_sparsity[layer.name]),
        )
        courses.append(course)
    return courses


def mean_course(events: LayerEvents) -> Course:
    """Return how a layer ran in the event model, by image."""
    images = events.images
    return Course(
        utilization=events.utilization,
        busy_share=events.busy_share,
        work_cycles=events.work_cycles / images,
        idle_cycles=events.idle_cycles / images,
        latency_cycles=events.latency_cycles / images,
        starved_cycles=float(events.starved.sum()) / images,
        blocked_cycles=float(events.blocked.sum()) / images,
        tail_cycles=float(events.tail.sum()) / images,
        fifo_mean=events.occupancy_mean,
        fifo_max=events.occupancy_max,
        tokens=events.delivered_tokens / images,
        dropped_tokens=events.dropped_tokens / images,
        operations=events.operations / images,
    )


def split_by_pe(events: LayerEvents) -> dict[str, list[float]]:
    """Return the cycles of each PE for one image, by what it does."""
    names = ("work", "starved", "blocked", "tail")
    return {f"{name}_cycles": (getattr(events, name) / events.images).tolist() for name in names}


def network_cost(costs: Sequence[Cost]) -> Cost:
    """Return the sums over the layers; utilization as in `uticket.hardware.analytic`, FIFOs by latency."""
    courses = [cost.course for cost in costs]
    sums = {name: sum(getattr(course, name) for course in courses) for name in vars(courses[0])}
    total, latency = sums["work_cycles"] + sums["idle_cycles"], sums["latency_cycles"]
    waited = sum(course.fifo_mean * course.latency_cycles for course in courses)
    means = {
        "utilization": mean_utilization((n.weights, n.course.work_cycles, n.course.utilization) for n in costs),
        "busy_share": sums["work_cycles"] / total if total else 1.0,
        "fifo_mean": waited / latency if latency else 0.0,
        "fifo_max": max(course.fifo_max for course in courses),
    }
    return Cost(
        name="network",
        filters=sum(cost.filters for cost in costs),
        weights=sum(cost.weights for cost in costs),
        nonzeros=sum(cost.nonzeros for cost in costs),
        groups=sum(cost.groups for cost in costs),
        course=Course(**{**sums, **means}),
        energy=sum(cost.energy for cost in costs),
        energy_pj={name: sum(cost.energy_pj[name] for cost in costs) for name in costs[0].energy_pj},
        accesses={name: sum(cost.accesses[name] for cost in costs) for name in costs[0].accesses},
    )
