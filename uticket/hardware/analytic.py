"""The analytic model of a ticket on the array: cycles and utilization by layer and for the network."""

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Named
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.hardware.cycles import layer_cycles
from uticket.mapping.mapping import Array, map_layers, unit_nonzeros
from uticket.ticket.layer import Layer


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
    """Return the sums over the layers; utilization as in `mean_utilization`."""
    return Totals(
        filters=sum(layer.filters for layer in layers),
        weights=sum(layer.weights for layer in layers),
        nonzeros=sum(layer.nonzeros for layer in layers),
        groups=sum(layer.groups for layer in layers),
        utilization=mean_utilization((n.weights, n.nonzeros, n.utilization) for n in layers),
        utilization_ceil=mean_utilization((n.weights, n.nonzeros, n.utilization_ceil) for n in layers),
        work_cycles=sum(layer.work_cycles for layer in layers),
        idle_cycles=sum(layer.idle_cycles for layer in layers),
        latency_cycles=sum(layer.latency_cycles for layer in layers),
    )


def mean_utilization(layers: Iterable[tuple[int, float, float]]) -> float:
    """Return the mean utilization of layers, each (weights, work, utilization), weighted by their weights.

    Layers without work do not count; a network without work keeps no PE waiting: 1.
    Source: the paper's hardware section.
    """
    working = [(weights, utilization) for weights, work, utilization in layers if work]
    total = sum(weights for weights, _ in working)
    return sum(weights * utilization for weights, utilization in working) / total if working else 1.0
