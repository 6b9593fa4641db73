"""Work, idle and latency cycles and utilization: the analytic model, in which only the busiest PE of a group counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.config.names import SparePes
from uticket.mapping.mapping import Ints, Mapping


@dataclass(frozen=True)
class Cycles:
    """What one layer costs on the array."""

    work_cycles: int  # PE-cycles with an operation
    idle_cycles: int  # PE-cycles of waiting for the busiest PE of the group
    latency_cycles: int  # (work_cycles + idle_cycles) / PEs
    utilization: float  # Eq. 2, in [0, 1]
    utilization_ceil: float  # the published code's variant of it


def layer_cycles(
    nonzeros: Ints, mapping: Mapping, positions: int = 1, timesteps: int = 1, spare_pes: SparePes = "split_outputs"
) -> Cycles:
    """Count the cycles of one layer.

    nonzeros: kept weights of each unit of the mapping, shape (units,). positions: output positions, padding included.
    Every kept weight takes one cycle per position and timestep; a group lasts as long as its busiest PE.
    spare_pes: what PEs do that a group has no unit for. With `split_outputs` as many whole copies of the group as fit
    share the output positions; PEs left over, and all of them with `idle`, wait. The utilization is the mean over the
    groups that have work; a layer without work keeps no PE waiting: 1.
    Source: the paper's facts (work, idle, latency) and Eq. 2. Differs in: copies; its arrays have no spare PEs.
    """
    workload = mapping.workload(nonzeros)
    busiest, total = workload.max(axis=1, initial=0), workload.sum(axis=1)
    shared = -(-positions // group_copies(mapping, positions, spare_pes))  # output positions of the longest copy
    latency = int((busiest * shared).sum()) * timesteps
    work = int(total.sum()) * positions * timesteps
    return Cycles(
        work_cycles=work,
        idle_cycles=mapping.pes * latency - work,
        latency_cycles=latency,
        utilization=_mean(group_utilization(busiest, total * (positions / shared), mapping.pes)),
        utilization_ceil=_mean(group_utilization_ceil(busiest, total * (positions / shared), mapping.pes)),
    )


def group_copies(mapping: Mapping, positions: int, spare_pes: SparePes) -> Ints:
    """Return how many copies of each group run side by side, each on other output positions, shape (groups,)."""
    if spare_pes == "idle" or positions == 1:
        return np.ones(mapping.num_groups, dtype=np.int64)
    copies: Ints = np.clip(mapping.pes // np.maximum(mapping.used_pes(), 1), 1, positions)
    return copies


def group_utilization(busiest: Ints, total: NDArray[np.integer | np.floating], pes: int) -> NDArray[np.float64]:
    """Return the utilization of each group that has work, shape (groups with work,), in [0, 1].

    busiest, total: operations of the busiest PE and of all `pes` together, by group. mu = 1 - (max - mean) / max *
    n / (n - 1): 1 if all PEs have the same work, 0 if one has all of it. Of one PE it is the share that it works: 1.
    Source: Yin et al. 2024, Eq. 2.
    """
    total, busiest = total[busiest > 0], busiest[busiest > 0]
    if pes == 1:
        share: NDArray[np.float64] = total / busiest
        return share
    waiting = pes * busiest - total  # (max - mean) * n, so that a balanced group is exactly 1
    utilization: NDArray[np.float64] = 1 - waiting / (busiest * (pes - 1))
    return utilization


def group_utilization_ceil(busiest: Ints, total: NDArray[np.float64], pes: int) -> NDArray[np.float64]:
    """Return Eq. 2 with the mean rounded up, as the published code has it: a group within one operation reads 1."""
    return group_utilization(busiest, np.minimum(np.ceil(total / pes), busiest) * pes, pes)


def _mean(by_group: NDArray[np.float64]) -> float:
    return float(by_group.mean()) if by_group.size else 1.0
