"""The parts of a ticket from its folder, from anybody's file, or from arrays in memory."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from uticket.base.arrays import Arrays, Lazy
from uticket.base.errors import InputError, listed, shortened
from uticket.base.files import is_file, read_json
from uticket.config.paths import TicketFiles
from uticket.config.wording import describe
from uticket.foreign.contents import Contents
from uticket.foreign.read import read_arrays
from uticket.ticket.layer import Layer, read_layers
from uticket.ticket.layouts import Layouts
from uticket.ticket.mask import Mask
from uticket.ticket.names import bare
from uticket.ticket.operators import layer_by
from uticket.ticket.partners import is_binary
from uticket.ticket.reading import Reading
from uticket.ticket.recognize import Recognized, recognize
from uticket.ticket.spikes import load_spikes

Weights = Mapping[str, NDArray[np.floating]]  # layer -> array of the shape of its mask


def parts_of_arrays(
    contents: Contents, linear: bool, layers: Sequence[Layer], layouts: Layouts, threshold: float
) -> dict[str, Any]:
    """Return layers, mask, weights and reading of masks or weights (`Ticket.from_arrays`)."""
    known = {layer.name: layer for layer in layers}
    recognized = recognize(contents, linear, known, layouts, threshold)
    found, arrays = [], recognized.weights
    for name, shape in recognized.shapes.items():
        layer = known.get(name) or known.get(bare(name)) or _layer_of(name, shape, recognized)
        found.append(layer.model_copy(update={"name": name}))
    weights = None if all(is_binary(values) for values in arrays.values()) else _weights(arrays)
    return {"layers": found, "mask": _mask(arrays), "weights": weights, "reading": recognized.reading}


def _mask(arrays: Arrays) -> Mask:
    """Return which weights are not zero."""
    return Mask(Lazy({name: partial(_not_zero, arrays, name) for name in arrays}))


def _not_zero(arrays: Arrays, name: str) -> NDArray[np.bool_]:
    kept: NDArray[np.bool_] = arrays[name] != 0
    return kept


def _weights(arrays: Arrays) -> Weights:
    return Lazy({name: partial(_floating, arrays, name) for name in arrays})


def read_file(path: Path, linear: bool, layers: Path | None, layouts: Layouts, threshold: float) -> dict[str, Any]:
    """Return the parts of anybody's file, and its timesteps; layers: a layers.json that describes some of it."""
    contents = read_arrays(path)
    described, timesteps = read_layers(layers) if layers else ([], contents.timesteps or 1)
    try:
        parts = parts_of_arrays(contents, linear, described, layouts, threshold)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    names = {name for layer in parts["layers"] for name in names_of(layer)}
    if layers and not names & {layer.name for layer in described}:
        held, known = listed(parts["mask"], 9) or "none", listed((layer.name for layer in described), 9) or "none"
        raise InputError(f"{layers}: expected layers of {path} ({held}), got {known}")
    return {**parts, "timesteps": timesteps}


def read_folder(files: TicketFiles, weights: bool, spikes: bool) -> dict[str, Any]:
    """Return the parts that the folder of a ticket has; weights, spikes: whether they are wanted.

    Raises InputError, naming the file, on a mask with NaN or infinity, spikes that lack a layer on the PEs, or notes
    that are not text.
    """
    layers, timesteps = read_layers(files.layers)
    path = file_of(files, "mask")
    masks = _by_layer(read_arrays(path).arrays, layers)
    for name, values in masks.items():
        if not np.isfinite(values).all():
            raise InputError(f"{path}: expected a mask of finite numbers in {name!r}, got NaN or infinity")
    parts: dict[str, Any] = {"layers": layers, "mask": _mask(masks), "timesteps": timesteps}
    if weights and files.weights.exists():
        parts["weights"] = _weights(_by_layer(read_arrays(files.weights).arrays, layers))
    if spikes and files.spikes.exists():
        parts["spikes"] = load_spikes(files.spikes)
        missing = next((layer.name for layer in layers if layer.on_pes and layer.name not in parts["spikes"]), None)
        if missing is not None:
            raise InputError(f"{files.spikes}: expected spikes of the layer {missing!r}, got none")
    if is_file(files.notes):
        parts["reading"] = Reading(notes=_notes(files.notes))
    return parts


def _notes(path: Path) -> tuple[str, ...]:
    found = read_json(path, "notes on a ticket")
    if not isinstance(found, list) or not all(isinstance(note, str) for note in found):
        raise InputError(f"{path}: expected a list of notes, got other JSON")
    return tuple(found)


def file_of(files: TicketFiles, part: str) -> Path:
    """Return the file in which the folder of a ticket has a part of it; the folder for what is in none."""
    npz = files.mask.with_suffix(".npz")
    if part == "mask" and npz.exists() and not files.mask.exists():
        return npz
    path: Path = getattr(files, part, files.folder)
    return path


def names_of(layer: Layer) -> tuple[str, str]:
    """Return the names by which users call a layer: that of its array, and without .weight."""
    return layer.name, bare(layer.name)


def _by_layer(arrays: Arrays, layers: Sequence[Layer]) -> dict[str, NDArray[Any]]:
    """Return the arrays of those layers that have one, by the layer's name."""
    found = {layer.name: arrays.get(layer.name, arrays.get(f"{layer.name}.weight")) for layer in layers}
    return {name: values for name, values in found.items() if values is not None}


def _layer_of(name: str, shape: tuple[int, ...], recognized: Recognized) -> Layer:
    try:
        if name in recognized.operators:
            return layer_by(name, shape, recognized.operators[name])
        return Layer.of_shape(name, shape, depthwise=name in recognized.depthwise)
    except ValidationError as error:  # an axis that no layer has
        raise InputError(f"{shortened(name)}: {describe(error, Layer)}") from None


def _floating(arrays: Arrays, name: str) -> NDArray[np.floating]:
    values = arrays[name]
    return values if values.dtype.kind == "f" else values.astype(np.float32)
