"""Work, idle and latency cycles and utilization of a layer: only the busiest PE of a group counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.mapping.placed import Placed
from uticket.mapping.policies import Ints


@dataclass(frozen=True)
class Cycles:
    """What one layer costs on the array."""

    work_cycles: int  # PE-cycles of work, with a spike or without
    idle_cycles: int  # PE-cycles of waiting for the busiest PE of the group
    latency_cycles: int  # (work_cycles + idle_cycles) / PEs
    utilization: float  # Eq. 2, in [0, 1]
    utilization_ceil: float  # the published code's variant of it


def layer_cycles(placed: Placed, timesteps: int = 1) -> Cycles:
    """Count the cycles of one layer.

    Every kept weight takes one cycle per output position (padding included) and timestep; a group lasts as long as its
    busiest PE. The copies of a group share the output positions. The utilization is the mean over the groups that have
    work; a layer without work keeps no PE waiting: 1.
    Source: the paper's facts (work, idle, latency) and Eq. 2. Differs in: copies; its arrays have no spare PEs.
    """
    positions = placed.layer.positions
    busiest, total = placed.workload.max(axis=1, initial=0), placed.workload.sum(axis=1)
    shared = _shared_positions(placed)
    latency = int(group_latencies(placed, timesteps).sum())
    work = int(total.sum()) * positions * timesteps
    return Cycles(
        work_cycles=work,
        idle_cycles=placed.pes * latency - work,
        latency_cycles=latency,
        utilization=_mean(group_utilization(busiest, total * (positions / shared), placed.pes)),
        utilization_ceil=_mean(group_utilization_ceil(busiest, total * (positions / shared), placed.pes)),
    )


def group_latencies(placed: Placed, timesteps: int = 1) -> Ints:
    """Return the cycles of each group, shape (groups,)."""
    latencies: Ints = placed.workload.max(axis=1, initial=0) * _shared_positions(placed) * timesteps
    return latencies


def _shared_positions(placed: Placed) -> Ints:
    """Return the output positions of the longest copy of each group, shape (groups,)."""
    longest: Ints = -(-placed.layer.positions // placed.copies)
    return longest


def group_utilization(busiest: Ints, total: NDArray[np.integer | np.floating], pes: int) -> NDArray[np.float64]:
    """Return the utilization of each group that has work, shape (groups with work,), in [0, 1].

    busiest, total: work of the busiest PE and of all `pes` together, by group. mu = 1 - (max - mean) / max *
    n / (n - 1): 1 if all PEs have the same work, 0 if one has all of it. With a single PE it is the share of time that
    the PE works: 1.
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
    """Return Eq. 2 with the mean rounded up, as in the published code: 1 if the busiest PE is less than 1 above it."""
    return group_utilization(busiest, np.minimum(np.ceil(total / pes), busiest) * pes, pes)


def mean_utilization(layers: list[tuple[int, float, float]]) -> float:
    """Return the mean utilization of layers, each (weights, work, utilization), weighted by their weights.

    Layers without work do not count; a network without work keeps no PE waiting: 1.
    Source: the paper's hardware section.
    """
    working = [(weights, utilization) for weights, work, utilization in layers if work]
    total = sum(weights for weights, _ in working)
    return sum(weights * utilization for weights, utilization in working) / total if working else 1.0


def _mean(by_group: NDArray[np.float64]) -> float:
    return float(by_group.mean()) if by_group.size else 1.0
