"""What a layer, or a network, costs on the array for one image."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from uticket.base.errors import InputError
from uticket.hardware.cycles import mean_utilization
from uticket.hardware.timing import Timing


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
    needed_cycles: dict[str, int]  # of each memory, if nothing else took time (`uticket.hardware.bandwidth`)
    bound: str  # what it needs most cycles of; of a network, what binds its layers for the longest time
    weight_format: str = "wsp"  # in DRAM and in the memory for weights; of a network `mixed` if layers differ
    by_pe: dict[str, list[float]] = field(default_factory=dict)  # cycles of each PE, by what it does; event model only

    @property
    def total_pj(self) -> float:
        """The energy of all components."""
        return sum(self.energy_pj.values())

    @property
    def pe_pj(self) -> float:
        """The energy of the PEs: all but the memories beside them."""
        return sum(value for name, value in self.energy_pj.items() if not name.startswith(("sram", "dram")))

    @property
    def bound_cycles(self) -> float:
        """Its latency, or what its slowest memory needs if that is more, as with unlimited bandwidth it may be."""
        return max(self.latency_cycles, *self.needed_cycles.values())

    def timing(self) -> dict[str, float]:
        """Return the fields of `Timing`."""
        return {part.name: getattr(self, part.name) for part in fields(Timing)}

    def words(self) -> dict[str, str]:
        """Return what is not a number."""
        return {"weight_format": self.weight_format, "bound": self.bound}

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
            **self.needed_cycles,
            **self.words(),
        }


def network_cost(costs: Sequence[Cost]) -> Cost:
    """Return the sums over the layers; raises InputError if there are none."""
    if not costs:
        raise InputError("layers: expected a layer that runs on the PEs, got none")
    sums: dict[str, Any] = {name: sum(getattr(cost, name) for cost in costs) for name in costs[0].timing()}
    total = sum(sums[f"{name}_cycles"] for name in ("work", "idle", "swap", "drain"))
    latency = sums["latency_cycles"]
    computing = 1 - sums["memory_cycles"] / latency if latency else 1.0
    binding = dict.fromkeys((cost.bound for cost in costs), 0.0)
    for cost in costs:
        binding[cost.bound] += cost.bound_cycles
    waited = sum(cost.fifo_mean * cost.latency_cycles for cost in costs)
    means = {
        "utilization": mean_utilization([(n.weights, n.work_cycles, n.utilization) for n in costs]),
        "busy_share": computing * (sums["work_cycles"] / total if total else 1.0),
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
        needed_cycles={name: sum(cost.needed_cycles[name] for cost in costs) for name in costs[0].needed_cycles},
        bound=max(binding, key=lambda name: binding[name]),
        weight_format=costs[0].weight_format if len({cost.weight_format for cost in costs}) == 1 else "mixed",
    )
