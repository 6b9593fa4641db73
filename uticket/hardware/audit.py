"""How busy the PEs would be with a mask, and what balancing it would take: what `uticket audit` and `balance` say."""

from dataclasses import asdict
from typing import Any

import numpy as np

from uticket.hardware.analytic import LayerResult, Totals, count_cycles, network_totals
from uticket.mapping.mapping import Array
from uticket.ticket.mask import Mask
from uticket.ticket.subject import Subject


def audit(subject: Subject, array: Array, timesteps: int | None = None) -> dict[str, Any]:
    """Run the analytic model on a pruned network.

    timesteps: None takes those of the subject. Returns pes, mapping, timesteps, layers (a dictionary each) and network
    (the same totals; utilization is the mean over layers with work, weighted by their weights). Fractions lie in
    [0, 1]; cycles are counted as in `uticket.hardware.cycles`.
    """
    steps = subject.timesteps if timesteps is None else timesteps
    layers = count_cycles(subject.layers, subject.mask, array, steps)
    return {
        "pes": array.pes,
        "mapping": array.policy,
        "dataflow": array.dataflow,
        "timesteps": steps,
        "layers": [_layer(layer) for layer in layers],
        "network": _totals(network_totals(layers)),
    }


def compare(subject: Subject, balanced: Mask, array: Array) -> dict[str, Any]:
    """Say by layer and in total how many weights balancing added and removed, and what it made of the utilization."""
    before = count_cycles(subject.layers, subject.mask, array, subject.timesteps)
    after = count_cycles(subject.layers, balanced, array, subject.timesteps)
    layers = []
    for was, now in zip(before, after, strict=True):
        old, new = subject.mask[was.layer], balanced[was.layer]
        added, removed = int(np.count_nonzero(new & ~old)), int(np.count_nonzero(old & ~new))
        layers.append({"name": was.layer, **_change(was, now), "added": added, "removed": removed})
    totals = _change(network_totals(before), network_totals(after))
    sums = {key: sum(layer[key] for layer in layers) for key in ("added", "removed")}
    return {"layers": layers, "network": {**totals, **sums}}


def _layer(result: LayerResult) -> dict[str, Any]:
    return {"name": result.layer, "positions": result.positions, **_totals(result)}


def _totals(totals: Totals) -> dict[str, Any]:
    values = {name: value for name, value in asdict(totals).items() if name not in ("layer", "positions")}
    return {**values, "sparsity": 1 - totals.nonzeros / totals.weights}


def _change(was: Totals, now: Totals) -> dict[str, Any]:
    return {
        "nonzeros_before": was.nonzeros,
        "nonzeros_after": now.nonzeros,
        "utilization_before": was.utilization,
        "utilization_after": now.utilization,
    }
