"""`capture`: run a PyTorch network on some inputs, and return it as a ticket with the spikes that arrived."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from uticket.base.errors import InputError, one_line
from uticket.capturing.axes import describe, weighted_layers
from uticket.capturing.calls import Calls, Watched, watching
from uticket.capturing.captured import Captured, Findings, Packed, PackedSpikes
from uticket.capturing.libraries import forget
from uticket.capturing.steps import Rows, Steps, find_steps, rows_by_use, same_at_every_step
from uticket.capturing.sums import Sums
from uticket.capturing.weights import footprint_bytes, not_seen, weights_and_mask
from uticket.ticket.layer import MOST_TIMESTEPS, Layer, Reads
from uticket.ticket.mask import Mask
from uticket.ticket.reading import Reading


def capture(
    model: nn.Module,
    inputs: Tensor | ArrayLike,
    timesteps: int | None = None,
    *,
    batch_first: bool | None = None,
    adds_to: Mapping[str, str] | None = None,
    run: Callable[[nn.Module, Any], object] | None = None,
) -> Captured:
    """Run a network once, and return its layers, mask and weights, with what arrived at each layer.

    model: any module with convolutions or linear layers; it runs in evaluation mode, without gradients, on a copy that
    shares its parameters, so that it and its neurons stay as they are. inputs: what its forward takes, with as many
    images as the ticket shall have. run: how it is called, if not by `model(inputs)`, such as a loop over timesteps.
    timesteps, batch_first: T, and whether in axes of both images come before timesteps; by default as the modules of
    known libraries say, or as the calls show. adds_to: layer -> the residual sum that its output is part of; by default
    found by following the tensors. Binary inputs are kept as spikes, whole multiples of one number up to 255 as counts;
    a layer with any other input reads "analog", or "image" before all spikes.
    Raises InputError if T remains open, or a layer is not one convolution.
    """
    if timesteps is not None and not 1 <= timesteps <= MOST_TIMESTEPS:
        raise InputError(f"timesteps: expected 1 to {MOST_TIMESTEPS}, got {timesteps}")
    given = as_tensor(model, inputs) if run is None else inputs
    twin, adds_to = twin_of(model), adds_to if adds_to is not None else getattr(model, "adds_to", None)
    forget(twin)
    sums = Sums() if adds_to is None else None
    with torch.no_grad(), watching(twin, sums) as watched:
        twin(given) if run is None else run(twin, given)
    if not watched.calls:
        raise InputError("model: expected a network that calls convolutions or linear layers, got none called")
    shape = tuple(given.shape) if isinstance(given, Tensor | np.ndarray) else ()
    steps = find_steps(watched.calls, watched.said, shape, timesteps, batch_first)
    sum_of = adds_to if sums is None else sums.adds_to()
    return _ticket(model, watched, steps, sum_of or {})


@dataclass(frozen=True)
class _Use:
    """A layer of the ticket: one of the uses of a module in a timestep."""

    layer: Layer
    calls: Calls
    rows: Rows


def _ticket(model: nn.Module, watched: Watched, steps: Steps, adds_to: Mapping[str, str]) -> Captured:
    uses = _uses(watched, steps, adds_to)
    weights, masks, packed = {}, {}, {}
    nonzeros: dict[str, Any] = {}
    counted: list[Calls] = []  # whose nonzeros some use has, so that no other has them again
    for use in uses:
        name, calls, reads = use.layer.name, use.calls, use.layer.reads
        weights[name], masks[name] = weights_and_mask(calls.module)
        if reads in ("spikes", "counts"):
            bits = calls.arrivals.binary
            packed[name] = Packed(calls.arrivals.packed(), use.rows, calls.inputs, bits, reads == "spikes")
        elif not any(calls is other for other in counted):
            nonzeros[name] = calls.arrivals.nonzeros().reshape(calls.inputs)
            counted.append(calls)
    layers, findings = tuple(use.layer for use in uses), _findings(model, watched, steps, uses, nonzeros)
    parts: dict[str, Any] = {"layers": layers, "mask": Mask(masks), "weights": weights, "timesteps": steps.timesteps}
    reading = Reading(notes=findings.notes)
    return Captured(**parts, spikes=PackedSpikes(packed), reading=reading, findings=findings)


def _uses(watched: Watched, steps: Steps, adds_to: Mapping[str, str]) -> list[_Use]:
    """Return the layers of the ticket in the order in which they run."""
    found: list[tuple[int, _Use]] = []
    times: dict[str, int] = {}
    for calls in watched.calls:
        for rows in rows_by_use(calls, steps) or []:
            times[calls.name] = times.get(calls.name, 0) + 1
            name = calls.name if times[calls.name] == 1 else f"{calls.name}@{times[calls.name]}"
            reads = _reads(calls, rows, steps)
            layer = describe(
                name, calls.module, calls.inputs, calls.outputs, rows.shape[2], reads, adds_to.get(calls.name)
            )
            begun = calls.numbers[int(rows.min()) // math.prod(calls.lead)]
            found.append((begun, _Use(layer, calls, rows)))
    return [use for _, use in sorted(found, key=lambda one: one[0])]


def _reads(calls: Calls, rows: Rows, steps: Steps) -> Reads:
    early, every_step = calls.first is not None, rows.shape[1] == steps.timesteps
    if not every_step:
        return "image" if early else "analog"
    if calls.arrivals.binary:
        return "spikes"
    if early and same_at_every_step(calls, steps):
        return "image"
    if calls.arrivals.analog:
        return "analog"
    return "counts" if calls.arrivals.packed()[rows.ravel()].max() > 1 else "spikes"  # of this use


def _findings(
    model: nn.Module, watched: Watched, steps: Steps, uses: Sequence[_Use], nonzeros: Mapping[str, Any]
) -> Findings:
    called = {calls.name for calls in watched.calls}
    factors = {use.layer.name: use.calls.arrivals.factor for use in uses if use.layer.reads in ("spikes", "counts")}
    again = [use.layer.name for use in uses if use.layer.name != use.calls.name]
    others = {
        use.calls.name: use.calls.module.padding_mode for use in uses if not isinstance(use.calls.module, nn.Linear)
    }
    remarks = [f"{name}: the same weights as {name.rpartition('@')[0]}, called again in a timestep" for name in again]
    remarks += [f"{name}: padding of {mode} counted as of zeros" for name, mode in others.items() if mode != "zeros"]
    return Findings(
        timesteps_because=f"{steps.timesteps}, {steps.because}",
        guesses=steps.guesses,
        never_called=tuple(name for name in weighted_layers(model) if name not in called),
        not_seen=tuple(not_seen(model)),
        remarks=tuple(remarks),
        factors={name: factor for name, factor in factors.items() if factor not in (None, 1.0)},
        images=steps.images,
        once_an_image=tuple(use.layer.name for use in uses if use.rows.shape[1] < steps.timesteps),
        footprint_bytes=footprint_bytes(model),
        activation_sparsity=1 - watched.active / watched.activations if watched.activations else None,
        nonzeros=nonzeros,
    )


def twin_of(model: nn.Module) -> nn.Module:
    """Return a copy of a module that shares its parameters, in evaluation mode; other tensors are copied.

    Raises InputError if `copy.deepcopy` does not copy it.
    """
    held = (leaf for module in model.modules() for leaf in tree_leaves(dict(vars(module))))
    tensors = {id(leaf): leaf for leaf in held if isinstance(leaf, Tensor)}
    memo = {key: one if isinstance(one, nn.Parameter) else one.detach().clone() for key, one in tensors.items()}
    try:
        return copy.deepcopy(model, memo).eval()
    except Exception as error:  # whatever its members raise
        raise InputError(f"model: expected a module that copy.deepcopy copies, got: {one_line(error)}") from None


def as_tensor(model: nn.Module, inputs: Any) -> Any:
    """Return arrays as tensors of the type of the model's parameters; tensors are only moved to their device.

    Raises InputError if the model is none, or the inputs are no finite numbers.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model: expected a torch.nn.Module, got {type(model).__name__}")
    first = next(model.parameters(), torch.zeros(0))
    if isinstance(inputs, Tensor):
        given = inputs.to(first.device)
    else:
        values = np.array(inputs)
        if values.dtype.kind not in "biuf":
            raise InputError(f"inputs: expected numbers, got an array of {values.dtype}")
        given = torch.from_numpy(values).to(first.device, first.dtype)
    if not torch.isfinite(given).all():
        raise InputError("inputs: expected finite numbers, got NaN or infinity")
    return given
