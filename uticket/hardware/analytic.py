"""The analytic model of a ticket on the array: cycles and energy by layer and for the network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.hardware.cycles import layer_cycles
from uticket.hardware.energy import pe_energy
from uticket.layers import Layer
from uticket.mapping import Mapping


@dataclass(frozen=True)
class LayerResult:
    """One layer of a ticket on the array."""

    layer: str
    filters: int
    weights: int  # kept or not
    nonzeros: int
    groups: int
    positions: int
    utilization: float  # in [0, 1]
    work_cycles: int
    idle_cycles: int
    latency_cycles: int
    energy: float  # in units of E_d


@dataclass(frozen=True)
class NetworkResult:
    """A ticket on the array: sums over its layers, and their mean utilization."""

    weights: int
    nonzeros: int
    utilization: float  # in [0, 1]
    work_cycles: int
    idle_cycles: int
    latency_cycles: int
    energy: float  # in units of E_d


def simulate_layer(
    layer: Layer,
    nonzeros: NDArray[np.int64],
    mapping: Mapping,
    timesteps: int,
    spike_sparsity: float,
    leakage_ratio: float,
) -> LayerResult:
    """Return what one layer costs.

    nonzeros: kept weights of each filter, shape (filters,). spike_sparsity: of the layer's input, in [0, 1].
    leakage_ratio: E_l / E_d. Source: the paper's hardware section and Eq. 3, with the spike sparsity of each layer.
    """
    cycles = layer_cycles(nonzeros, mapping, layer.positions, timesteps)
    return LayerResult(
        layer=layer.name,
        filters=layer.filters,
        weights=layer.num_weights,
        nonzeros=int(nonzeros.sum()),
        groups=mapping.num_groups,
        positions=layer.positions,
        utilization=cycles.utilization,
        work_cycles=cycles.work_cycles,
        idle_cycles=cycles.idle_cycles,
        latency_cycles=cycles.latency_cycles,
        energy=pe_energy(cycles.work_cycles, cycles.idle_cycles, spike_sparsity, leakage_ratio),
    )


def network_result(layers: Sequence[LayerResult]) -> NetworkResult:
    """Return the network's totals; its utilization is the mean over the layers that have work, weighted by weights.

    A network without work keeps no PE waiting: utilization 1. Source: the paper's hardware section.
    """
    working = [layer for layer in layers if layer.nonzeros]
    total_weights = sum(layer.weights for layer in working)
    weighted = sum(layer.weights * layer.utilization for layer in working)
    return NetworkResult(
        weights=sum(layer.weights for layer in layers),
        nonzeros=sum(layer.nonzeros for layer in layers),
        utilization=weighted / total_weights if working else 1.0,
        work_cycles=sum(layer.work_cycles for layer in layers),
        idle_cycles=sum(layer.idle_cycles for layer in layers),
        latency_cycles=sum(layer.latency_cycles for layer in layers),
        energy=sum(layer.energy for layer in layers),
    )
