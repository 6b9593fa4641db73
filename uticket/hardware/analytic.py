"""The analytic model of a ticket on the array: cycles and energy by layer and for the network."""

from collections.abc import Mapping as Named
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.hardware.cycles import layer_cycles
from uticket.hardware.energy import pe_energy
from uticket.layers import Layer
from uticket.mapping import Array, map_layers, unit_nonzeros


@dataclass(frozen=True)
class Totals:
    """What a layer or a network costs on the array. Utilizations lie in [0, 1]."""

    filters: int
    weights: int  # kept or not
    nonzeros: int
    groups: int
    utilization: float  # Eq. 2
    utilization_ceil: float  # the published code's variant
    work_cycles: int
    idle_cycles: int
    latency_cycles: int


@dataclass(frozen=True)
class LayerResult(Totals):
    """One layer of a ticket on the array."""

    layer: str
    positions: int  # outputs in one timestep, of each filter


def count_cycles(
    layers: Sequence[Layer], masks: Named[str, NDArray[np.bool_]], array: Array, timesteps: int
) -> list[LayerResult]:
    """Run the analytic model on each of `layers`, all of which are taken to run on the PEs.

    masks: layer name -> 0/1 array of what the array holds. Source: the paper's hardware section.
    """
    results = []
    for layer, mapping in zip(layers, map_layers(layers, masks, array).values(), strict=True):
        nonzeros = unit_nonzeros(masks[layer.name], array.dataflow)
        cycles = layer_cycles(nonzeros, mapping, layer.positions, timesteps, array.spare_pes)
        results.append(
            LayerResult(
                layer=layer.name,
                filters=layer.filters,
                weights=layer.num_weights,
                nonzeros=int(nonzeros.sum()),
                groups=mapping.num_groups,
                positions=layer.positions,
                utilization=cycles.utilization,
                utilization_ceil=cycles.utilization_ceil,
                work_cycles=cycles.work_cycles,
                idle_cycles=cycles.idle_cycles,
                latency_cycles=cycles.latency_cycles,
            )
        )
    return results


def network_totals(layers: Sequence[LayerResult]) -> Totals:
    """Return the sums over the layers; utilization is the mean over those that have work, weighted by their weights.

    A network without work keeps no PE waiting: utilization 1. Source: the paper's hardware section.
    """
    working = [layer for layer in layers if layer.nonzeros]
    weights = sum(layer.weights for layer in working)
    return Totals(
        filters=sum(layer.filters for layer in layers),
        weights=sum(layer.weights for layer in layers),
        nonzeros=sum(layer.nonzeros for layer in layers),
        groups=sum(layer.groups for layer in layers),
        utilization=sum(n.weights * n.utilization for n in working) / weights if working else 1.0,
        utilization_ceil=sum(n.weights * n.utilization_ceil for n in working) / weights if working else 1.0,
        work_cycles=sum(layer.work_cycles for layer in layers),
        idle_cycles=sum(layer.idle_cycles for layer in layers),
        latency_cycles=sum(layer.latency_cycles for layer in layers),
    )


def layer_energies(
    results: Sequence[LayerResult], spike_sparsity: Named[str, float], leakage_ratio: float
) -> list[float]:
    """Return the energy of each layer in units of E_d: Eq. 3 with the spike sparsity of the layer's own input."""
    return [pe_energy(r.work_cycles, r.idle_cycles, spike_sparsity[r.layer], leakage_ratio) for r in results]
