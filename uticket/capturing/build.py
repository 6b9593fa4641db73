"""A network named as MODULE:FUNCTION, with the weights of somebody's file."""

from pathlib import Path

import torch
from torch import nn

from uticket.base.errors import InputError
from uticket.capturing.function import call, find_function
from uticket.foreign.contents import Arrays
from uticket.foreign.read import read_arrays


def build(target: str, weights: Path | None = None) -> nn.Module:
    """Return what `target`, MODULE:FUNCTION, names: a module, or what calling it without arguments returns.

    weights: a checkpoint with an array for each parameter, by its name; arrays of other names, such as membranes, are
    not loaded. Raises InputError if it is no network, or a parameter is missing or of another shape.
    """
    found = find_function(target, "MODULE:FUNCTION")
    model = found if isinstance(found, nn.Module) else call(found, target, "MODULE:FUNCTION")
    if weights is not None:
        load(model, weights)
    return model


@torch.no_grad()
def load(model: nn.Module, path: Path) -> None:
    """Put the arrays of a checkpoint into a model: all of its parameters, and the buffers that have one.

    Weights pruned by `torch.nn.utils.prune` are read as pruned. Raises InputError, naming the file, as `build` does.
    """
    arrays = _as_pruned(read_arrays(path).arrays)
    state = {name: values for name, values in model.state_dict().items() if isinstance(values, torch.Tensor)}
    parameters = dict(model.named_parameters())
    missing = next((name for name in parameters if name not in arrays), None)
    if missing is not None:
        raise InputError(f"{path}: expected an array for each parameter, got none for {missing!r}")
    for name, values in state.items():
        if name not in arrays:
            continue
        if arrays[name].shape != tuple(values.shape):
            if name in parameters:
                raise InputError(f"{path}: expected {name!r} of shape {tuple(values.shape)}, got {arrays[name].shape}")
            continue  # membranes of the batch that was trained
        values.copy_(torch.from_numpy(arrays[name].copy()))


def _as_pruned(arrays: Arrays) -> Arrays:
    """Return arrays in which a weight pruned by `torch.nn.utils.prune` (X_orig, X_mask) is X."""
    pruned = [name.removesuffix("_orig") for name in arrays if name.endswith("_orig")]
    pruned = [name for name in pruned if f"{name}_mask" in arrays and name not in arrays]
    return arrays | {name: arrays[f"{name}_orig"] * arrays[f"{name}_mask"] for name in pruned}
