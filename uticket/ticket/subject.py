"""What `uticket audit` and `uticket balance` look at: the layers, masks and weights of a file or a ticket."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.base.files import Weights
from uticket.config.names import Quantizer
from uticket.config.paths import TicketFiles
from uticket.ticket.foreign import Arrays, read_arrays
from uticket.ticket.layer import Layer, read_layers
from uticket.ticket.mask import Mask
from uticket.ticket.quantize import stored_mask


@dataclass(frozen=True)
class Subject:
    """A pruned network: its layers in order, which weights it keeps, and their values if they are known."""

    layers: list[Layer]  # those that are audited and balanced
    mask: Mask  # of these and of any others
    weights: Weights | None  # by layer; None if the file holds masks only
    timesteps: int

    def rounded(self, bits: int | None, quantizer: Quantizer) -> "Subject":
        """Return the network with its weights rounded to `bits`; None leaves them as they are."""
        if bits is None:
            return self
        if self.weights is None:
            raise InputError("--weight-bits: expected weights to round, came 0/1 masks")
        known = Mask({name: self.mask[name] for name in self.weights})
        return replace(self, mask=self.mask.replace(stored_mask(known, self.weights, bits, quantizer)))


def read_subject(
    path: Path,
    linear: bool = False,
    skip_first: bool = False,
    layers_file: Path | None = None,
    positions: Mapping[str, int] | None = None,
) -> Subject:
    """Read a file of masks or weights, or the folder of a ticket.

    Of a file, the 4-D arrays are convolutions, and with `linear` the 2-D ones are layers too; nonzero means kept. Of a
    folder, layers.json tells which layers run on the PEs. skip_first: leave out the first convolution. layers_file:
    a layers.json for a file. positions: layer -> output positions, where nothing else tells.
    Raises InputError, naming the file and the layer, on anything that cannot be audited.
    """
    if not os.path.isdir(path):  # noqa: PTH112, unlike Path.is_dir it never raises
        subject = _read_file(path, linear, layers_file)
    elif layers_file is None:
        subject = _read_folder(path, linear)
    else:
        raise InputError(f"--layers: expected it with a file only, came the folder {path}, which has its own")
    layers = subject.layers
    if skip_first:
        first = next((layer for layer in layers if layer.kind == "conv"), None)
        layers = [layer for layer in layers if layer is not first]
    if not layers:
        wanted = "a convolution that reads spikes" if os.path.isdir(path) else "a convolution (a 4-D array)"  # noqa: PTH112
        raise InputError(f"{path}: expected {wanted}, came none")
    for name, count in (positions or {}).items():
        named = [layer for layer in layers if name in (layer.name, layer.name.removesuffix(".weight"))]
        if not named:
            known = ", ".join(layer.name for layer in layers)
            raise InputError(f"--positions: expected a layer of {path} ({known}), came {name!r}")
        layers = [n.model_copy(update={"output_size": (1, count)}) if n in named else n for n in layers]
    return replace(subject, layers=layers)


def _read_folder(folder: Path, linear: bool) -> Subject:
    files = TicketFiles(folder)
    described, timesteps = read_layers(files.layers)
    layers = [layer for layer in described if layer.on_pes or (linear and layer.kind == "linear")]
    other = files.mask.with_suffix(".npz")
    masks = other if other.exists() and not files.mask.exists() else files.mask
    arrays = read_arrays(masks)
    kept = {layer.name: _kept(masks, layer.name, _fitting(masks, arrays, layer)) for layer in described}
    weights = None
    if files.weights.exists():
        held = read_arrays(files.weights)
        weights = {n.name: _finite(files.weights, n.name, _fitting(files.weights, held, n)) for n in layers}
    return Subject(layers, Mask(kept), weights, timesteps)


def _read_file(path: Path, linear: bool, layers_file: Path | None) -> Subject:
    arrays = read_arrays(path)
    described, timesteps = read_layers(layers_file) if layers_file else ([], 1)
    told = {layer.name: layer for layer in described}
    layers, kept, weights = [], {}, {}
    for name, values in arrays.items():
        if (values.ndim != 4 and not (linear and values.ndim == 2)) or not values.size:
            continue
        layer = told.get(name) or told.get(name.removesuffix(".weight"))
        if layer is not None:
            _fitting(path, {layer.name: values}, layer)
        layers.append(layer.model_copy(update={"name": name}) if layer else _layer_of(name, values.shape))
        weights[name] = _finite(path, name, values)
        kept[name] = _kept(path, name, values)
    if layers_file and not any(name in kept or f"{name}.weight" in kept for name in told):
        names = ", ".join(kept) or "none"
        raise InputError(f"{layers_file}: expected layers of {path} ({names}), came {', '.join(told) or 'none'}")
    only_masks = all(np.isin(values, (0, 1)).all() for values in weights.values())
    return Subject(layers, Mask(kept), None if only_masks else weights, timesteps)


def _layer_of(name: str, shape: tuple[int, ...]) -> Layer:
    """Describe a layer of which nothing but the shape of its weights is known: one output position."""
    one = (1, 1)
    kernel = (shape[2], shape[3]) if len(shape) == 4 else one
    kind: Any = "conv" if len(shape) == 4 else "linear"
    sizes: Any = {"kernel": kernel, "stride": one, "padding": (0, 0), "input_size": one, "output_size": one}
    return Layer(name=name, kind=kind, filters=shape[0], channels=shape[1], **sizes)


def _fitting(path: Path, arrays: Arrays, layer: Layer) -> NDArray[Any]:
    """Return the array of a layer. Raises InputError if it is missing or of another shape."""
    values = arrays.get(layer.name, arrays.get(f"{layer.name}.weight"))
    if values is None or values.shape != layer.weight_shape:
        came = "none" if values is None else f"shape {values.shape}"
        raise InputError(f"{path}: expected the layer {layer.name!r} of shape {layer.weight_shape}, came {came}")
    return values


def _finite(path: Path, name: str, values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(f"{path}: expected finite weights in {name!r}, came NaN or infinity")
    return values if values.dtype.kind == "f" else values.astype(np.float32)


def _kept(path: Path, name: str, values: NDArray[Any]) -> NDArray[np.bool_]:
    kept: NDArray[np.bool_] = _finite(path, name, values) != 0
    return kept
