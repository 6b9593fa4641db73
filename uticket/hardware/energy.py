"""Energy: Eq. 3 in units of E_d, and bottom-up in pJ, as counts of actions times what each costs on a chip."""

from dataclasses import dataclass

from uticket.hardware.chip import Channel, Chip
from uticket.hardware.traffic import Accesses, Traffic


def pe_energy(work: float, idle: float, operations: float, leakage_ratio: float = 0.21) -> float:
    """Return the energy of `work` and `idle` PE-cycles in units of E_d, the dynamic energy of a PE for one input spike.

    operations: weights that meet a spike; in the analytic model work * (1 - S), with S the share of the inputs without
    one, which cost a cycle and leakage, but no dynamic energy. leakage_ratio: E_l / E_d; the paper does not print it,
    and 0.21 reproduces its six energy reductions within 0.5 points.
    Source: Yin et al. 2024, Eq. 3: E = work * (E_d * (1 - S) + E_l) + idle * E_l.
    """
    return operations + (work + idle) * leakage_ratio


@dataclass(frozen=True)
class Counts:
    """What the array does for one layer and one image."""

    pes: int
    latency_cycles: float
    work_cycle: float  # PE-cycles of work, with a spike or without
    operation: float  # kept weights that meet a spike
    update: float  # output neurons, each in each timestep
    traffic: Traffic
    pushes: float = 0.0  # tokens put into the FIFOs of PEs
    fifo_depth: float = 0.0  # entries of each FIFO
    loaded_words: int = 0  # written to the scratchpads


def chip_energy(counts: Counts, chip: Chip) -> dict[str, float]:
    """Return the energy in pJ by component: those of the PEs (Fig. 8 of the paper), SRAM and DRAM (Fig. 9).

    Each part of a PE leaks in every cycle of the latency, busy or not, and so do the on-chip memories; what leaks in
    the DRAM is not counted.
    """
    energy = {}
    for component in chip.components:
        parts = [part for part in chip.pe if part.component == component]
        dynamic = sum(
            times * getattr(counts, action) * part.energy.value
            for part in parts
            for action, times in part.actions.items()
        )
        leakage = chip.leakage_pj(sum(part.count * part.leakage.value for part in parts))
        energy[f"{component.lower()}_dynamic_pj"] = float(dynamic)
        energy[f"{component.lower()}_leakage_pj"] = leakage * counts.pes * counts.latency_cycles
    if chip.fifo is not None:
        per_token, leaking = chip.fifo.push.value + chip.fifo.pop.value, chip.leakage_pj(chip.fifo.leakage.value)
        energy["fifo_dynamic_pj"] = counts.pushes * per_token
        energy["fifo_leakage_pj"] = leaking * counts.fifo_depth * counts.pes * counts.latency_cycles
    if chip.scratchpad_write is not None:
        energy["load_pj"] = counts.loaded_words * chip.scratchpad_write.value
    memories, traffic = chip.memories, counts.traffic
    sram = _moved(memories.weights, traffic.weights) + _moved(memories.spikes, traffic.spikes)
    sram_leakage = chip.leakage_pj(memories.weights.leakage.value + memories.spikes.leakage.value)
    energy["sram_dynamic_pj"] = sram
    energy["sram_leakage_pj"] = sram_leakage * counts.latency_cycles
    energy["dram_pj"] = _moved(chip.dram, traffic.dram)
    return energy


def _moved(memory: Channel, accesses: Accesses) -> float:
    return accesses.reads * memory.read.value + accesses.writes * memory.write.value
