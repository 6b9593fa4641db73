"""Work, idle and latency cycles and utilization: the analytic model, in which only the busiest PE of a group counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.mapping import Mapping


@dataclass(frozen=True)
class Cycles:
    """What one layer costs on the array."""

    work_cycles: int  # PE-cycles with an operation
    idle_cycles: int  # PE-cycles of waiting for the busiest PE of the group
    latency_cycles: int  # (work_cycles + idle_cycles) / PEs
    utilization: float  # Eq. 2, in [0, 1]
    utilization_ceil: float  # the published code's variant of it


def group_utilization(workload: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the utilization of each group that has work, shape (groups with work,), in [0, 1].

    workload: operations by (groups, pes). mu = 1 - (max - mean) / max * n / (n - 1) for n PEs: 1 if all have the same
    work, 0 if one PE has all of it. One PE is always busy: 1. Source: Yin et al. 2024, Eq. 2.
    """
    return _utilization(workload, workload.sum(axis=1))


def group_utilization_ceil(workload: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return Eq. 2 with the mean rounded up, as the published code has it: a group within one operation reads 1."""
    num_pes = workload.shape[1]
    return _utilization(workload, -(-workload.sum(axis=1) // num_pes) * num_pes)


def _utilization(workload: NDArray[np.int64], totals: NDArray[np.int64]) -> NDArray[np.float64]:
    """Eq. 2 with the mean total / n, both sides times n: whole numbers, so that a balanced group is exactly 1."""
    num_pes, busiest = workload.shape[1], workload.max(axis=1, initial=0)
    totals, busiest = totals[busiest > 0], busiest[busiest > 0]
    if num_pes == 1:
        return np.ones(len(busiest))
    waiting = num_pes * busiest - totals
    utilization: NDArray[np.float64] = 1 - waiting / (busiest * (num_pes - 1))
    return utilization


def layer_cycles(nonzeros: NDArray[np.int64], mapping: Mapping, positions: int = 1, timesteps: int = 1) -> Cycles:
    """Count the cycles of one layer.

    nonzeros: kept weights of each filter, shape (filters,). positions: output positions, padding included.
    Every kept weight takes one cycle per position and timestep; a group lasts as long as its busiest PE. The
    utilization is the mean over the groups that have work; a layer without work keeps no PE waiting: 1.
    Source: the paper's facts (work, idle, latency) and Eq. 2.
    """
    workload = mapping.workload(nonzeros)
    uses = positions * timesteps
    work = int(workload.sum()) * uses
    latency = int(workload.max(axis=1, initial=0).sum()) * uses
    return Cycles(
        work_cycles=work,
        idle_cycles=mapping.pes * latency - work,
        latency_cycles=latency,
        utilization=_mean(group_utilization(workload)),
        utilization_ceil=_mean(group_utilization_ceil(workload)),
    )


def _mean(by_group: NDArray[np.float64]) -> float:
    return float(by_group.mean()) if by_group.size else 1.0
