"""The metrics of NeuroBench of a ticket, whole network, all layers, on the PEs or not.

Source: Yik et al., "The NeuroBench framework for benchmarking neuromorphic computing algorithms and systems", Nature
Communications 2025, and its package `neurobench`: biases and the zeros of padding are no synaptic operations.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.capturing.captured import NONZEROS, Findings
from uticket.ticket.layer import Layer
from uticket.ticket.ticket import Ticket

Places = NDArray[np.int64]  # (channels, height, width)


@dataclass(frozen=True)
class NeuroBench:
    """Metrics by NeuroBench's names. Fractions lie in [0, 1]; operations are of one image."""

    footprint_bytes: int | None  # parameters and buffers of the model; not captured: weights of the ticket only
    connection_sparsity: float  # share of the weights that are pruned
    activation_sparsity: float | None  # share of the neurons' outputs that are zero; not captured: of layers' inputs
    dense_operations: int  # weights, kept or not, times the inputs that each meets
    effective_acs: float | None  # kept weights that meet spikes; None without spikes
    effective_macs: float | None  # kept weights that meet other inputs, such as counts; None without spikes
    not_counted: tuple[str, ...]  # layers whose inputs are not known: neither ACs nor MACs have them

    def record(self) -> dict[str, Any]:
        """Return the metrics as JSON has them."""
        return asdict(self)


def neurobench(ticket: Ticket, findings: Findings | None = None) -> NeuroBench:
    """Return the metrics of a ticket. findings: of its capture; by default those that a captured ticket has.

    Operations with spikes are ACs, those with any other input MACs: counts of one layer are MACs in all timesteps,
    where the package asks each call of a layer whether it got more than 0 and 1.
    """
    findings = findings or getattr(ticket, "findings", None)
    once = [n.name for n in ticket.layers if n.reads == "image"] if findings is None else findings.once_an_image
    dense, effective, not_counted = 0, {"acs": 0, "macs": 0}, []
    for layer in ticket.layers:
        steps = 1 if layer.name in once else ticket.timesteps
        dense += steps * int(meetings(layer, np.ones(layer.weight_shape, np.bool_)).sum())
        nonzeros = _nonzeros(ticket, layer, findings)
        if nonzeros is None:
            not_counted.append(layer.name)
            continue
        spikes = layer.reads == "spikes" and layer.name not in (findings.factors if findings else {})
        met = meetings(layer, ticket.mask[layer.name])
        if nonzeros.shape not in (met.shape, met.shape[:1]):
            got = f"got {nonzeros.shape}"
            raise InputError(f"{NONZEROS}: expected an array {layer.name!r} of shape {met.shape} or (channels,), {got}")
        effective["acs" if spikes else "macs"] += int(
            (met[:, :1, :1] if nonzeros.ndim == 1 else met).ravel() @ nonzeros.ravel()
        )
    images = findings.images if findings else max(ticket.num_images, 1)
    known = ticket.spikes is not None
    return NeuroBench(
        footprint_bytes=findings.footprint_bytes if findings else _bytes(ticket),
        connection_sparsity=_connection_sparsity(ticket),
        activation_sparsity=_activation_sparsity(ticket, findings),
        dense_operations=dense,
        effective_acs=effective["acs"] / images if known else None,
        effective_macs=effective["macs"] / images if known else None,
        not_counted=tuple(not_counted) if known else tuple(layer.name for layer in ticket.layers),
    )


def meetings(layer: Layer, mask: NDArray[np.bool_]) -> Places:
    """Return for each input of a layer how many kept weights and outputs it meets in one timestep."""
    channels, kernel = layer.channels, layer.kernel
    groups = mask.reshape(layer.groups, -1, channels // layer.groups, *kernel)
    by_channel = groups.sum(axis=1, dtype=np.int64).reshape(channels, *kernel)
    rows, columns = (_reach(layer, axis).astype(np.int64) for axis in (0, 1))
    met: Places = np.einsum("ckl,kh,lw->chw", by_channel, rows, columns, optimize=True)
    return met


def _reach(layer: Layer, axis: int) -> NDArray[np.bool_]:
    """Return (kernel, input size) along an axis: whether an input there meets an output under that weight."""
    places = np.arange(layer.input_size[axis])
    offsets = np.arange(layer.kernel[axis])[:, None] * layer.dilation[axis] - layer.padding[axis]
    begins = places - offsets
    reached: NDArray[np.bool_] = (begins % layer.stride[axis] == 0) & (begins >= 0)
    return reached & (begins < layer.output_size[axis] * layer.stride[axis])


def _nonzeros(ticket: Ticket, layer: Layer, findings: Findings | None) -> Places | None:
    """Return at each input, in all images and timesteps together, how often it was not zero; (channels,) of tokens."""
    if ticket.spikes is not None and layer.name in ticket.spikes:
        return np.asarray(np.count_nonzero(ticket.spikes[layer.name], axis=(0, 1)), dtype=np.int64)
    return findings.nonzeros.get(layer.name) if findings else None


def _bytes(ticket: Ticket) -> int | None:
    return None if ticket.weights is None else sum(values.nbytes for values in ticket.weights.values())


def _connection_sparsity(ticket: Ticket) -> float:
    """Return it with the weights of a layer that runs twice in a timestep (NAME@2) counted once."""
    mask = ticket.mask
    once = [name for name in mask if name.rpartition("@")[0] not in mask]
    weights = sum(math.prod(mask.shapes[name]) for name in once)
    return 1 - sum(int(np.count_nonzero(mask[name])) for name in once) / weights if weights else 0.0


def _activation_sparsity(ticket: Ticket, findings: Findings | None) -> float | None:
    if findings is not None and findings.activation_sparsity is not None:
        return findings.activation_sparsity
    if not ticket.spikes:
        return None
    arrived = [(np.count_nonzero(values), values.size) for values in ticket.spikes.values()]
    active, inputs = (sum(part) for part in zip(*arrived, strict=True))
    return float(1 - active / inputs)
