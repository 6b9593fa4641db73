"""The parts of a ticket from its folder, from anybody's file, or from arrays in memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.base.files import Arrays
from uticket.config.paths import TicketFiles
from uticket.foreign.read import read_arrays
from uticket.ticket.layer import Layer, read_layers
from uticket.ticket.mask import Mask
from uticket.ticket.spikes import load_spikes

Weights = Mapping[str, NDArray[np.floating]]  # layer -> array of the shape of its mask


def parts_of_arrays(arrays: Arrays, linear: bool, layers: Sequence[Layer]) -> dict[str, Any]:
    """Return layers, mask and weights of masks or weights (`Ticket.from_arrays`)."""
    known = {layer.name: layer for layer in layers}
    found, weights = [], {}
    for name, values in arrays.items():
        if (values.ndim != 4 and not (linear and values.ndim == 2)) or not values.size:
            continue
        layer = known.get(name) or known.get(name.removesuffix(".weight")) or Layer.of_shape(name, values.shape)
        found.append(layer.model_copy(update={"name": name}))
        weights[name] = _floating(values)
    only_masks = all(np.isin(values, (0, 1)).all() for values in weights.values())
    mask = Mask({name: values != 0 for name, values in weights.items()})
    return {"layers": found, "mask": mask, "weights": None if only_masks else weights}


def read_file(path: Path, linear: bool, layers: Path | None) -> dict[str, Any]:
    """Return layers, mask, weights and timesteps of anybody's file; layers: a layers.json that describes some of it."""
    described, timesteps = read_layers(layers) if layers else ([], 1)
    parts = parts_of_arrays(_without_reparametrization(path, read_arrays(path).arrays), linear, described)
    names = {name for layer in parts["layers"] for name in names_of(layer)}
    if layers and not names & {layer.name for layer in described}:
        held, known = ", ".join(parts["mask"]) or "none", ", ".join(layer.name for layer in described) or "none"
        raise InputError(f"{layers}: expected layers of {path} ({held}), got {known}")
    return {**parts, "timesteps": timesteps}


def read_folder(files: TicketFiles, weights: bool, spikes: bool) -> dict[str, Any]:
    """Return the parts that the folder of a ticket has; weights, spikes: whether they are wanted.

    Raises InputError, naming the file, on a mask with NaN or infinity, or spikes that lack a layer on the PEs.
    """
    layers, timesteps = read_layers(files.layers)
    path = file_of(files, "mask")
    masks = _by_layer(read_arrays(path).arrays, layers)
    for name, values in masks.items():
        if not np.isfinite(values).all():
            raise InputError(f"{path}: expected a mask of finite numbers in {name!r}, got NaN or infinity")
    mask = Mask({name: values != 0 for name, values in masks.items()})
    parts: dict[str, Any] = {"layers": layers, "mask": mask, "timesteps": timesteps}
    if weights and files.weights.exists():
        held = _by_layer(read_arrays(files.weights).arrays, layers)
        parts["weights"] = {name: _floating(values) for name, values in held.items()}
    if spikes and files.spikes.exists():
        parts["spikes"] = load_spikes(files.spikes)
        missing = next((layer.name for layer in layers if layer.on_pes and layer.name not in parts["spikes"]), None)
        if missing is not None:
            raise InputError(f"{files.spikes}: expected spikes of the layer {missing!r}, got none")
    return parts


def file_of(files: TicketFiles, part: str) -> Path:
    """Return the file in which the folder of a ticket has a part of it; the folder for what is in none."""
    npz = files.mask.with_suffix(".npz")
    if part == "mask" and npz.exists() and not files.mask.exists():
        return npz
    path: Path = getattr(files, part, files.folder)
    return path


def names_of(layer: Layer) -> tuple[str, str]:
    """Return the names by which users call a layer: that of its array, and without .weight."""
    return layer.name, layer.name.removesuffix(".weight")


def _by_layer(arrays: Arrays, layers: Sequence[Layer]) -> dict[str, NDArray[Any]]:
    """Return the arrays of those layers that have one, by the layer's name."""
    found = {layer.name: arrays.get(layer.name, arrays.get(f"{layer.name}.weight")) for layer in layers}
    return {name: values for name, values in found.items() if values is not None}


def _without_reparametrization(path: Path, arrays: Arrays) -> Arrays:
    """Return weights that `torch.nn.utils.prune` pruned (X_orig, X_mask) as X."""
    pruned = {name.removesuffix("_orig") for name in arrays if name.endswith("_orig")}
    pruned = {name for name in pruned if f"{name}_mask" in arrays}
    plain: dict[str, NDArray[Any]] = {}
    for name, values in arrays.items():
        whole = name.removesuffix("_orig")
        if name.endswith("_orig") and whole in pruned:
            mask = arrays[f"{whole}_mask"]
            if mask.shape != values.shape:
                raise InputError(f"{path}: expected a mask of {whole!r} of shape {values.shape}, got {mask.shape}")
            plain[whole] = values * mask
        elif not (name.endswith("_mask") and name.removesuffix("_mask") in pruned):
            plain[name] = values
    return plain


def _floating(values: NDArray[Any]) -> NDArray[np.floating]:
    return values if values.dtype.kind == "f" else values.astype(np.float32)
