"""Masks and weights from anybody's file: .npz, .safetensors, .pt and .pth. Nothing in it is run."""

import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from uticket.base.errors import InputError, one_line
from uticket.base.files import is_file, load_arrays, load_npz
from uticket.foreign.contents import Arrays, Contents, Skipped

WRAPPED = ("state_dict", "model_state_dict", "model", "net", "network")  # where checkpoints keep their weights


def read_arrays(path: Path) -> Contents:
    """Read the numeric arrays of a file, by name, in the order of the file (safetensors: by name, numbers by value).

    A PyTorch checkpoint is loaded with weights only; if it wraps its weights ("state_dict"), those are read.
    Raises InputError, naming the file, if it is missing, damaged, of another kind, or wants to run code.
    """
    if not path.suffix and not is_file(path):
        raise InputError(f"{path}: expected a file, or the folder of a ticket, got none")
    if path.suffix not in READ:
        raise InputError(f"{path}: expected a file ending in {', '.join(READ)}, got {path.suffix or 'no ending'}")
    if not is_file(path):
        raise InputError(f"{path}: expected a file, got none")
    arrays = READ[path.suffix](path)
    odd = {name: values for name, values in arrays.items() if values.dtype.kind not in "biuf"}
    skipped = (Skipped(name, f"numbers of type {values.dtype}", values.size) for name, values in odd.items())
    return Contents({name: values for name, values in arrays.items() if name not in odd}, tuple(skipped))


def _read_npz(path: Path) -> Arrays:
    return load_npz(path, "an .npz archive of arrays")


def _read_safetensors(path: Path) -> Arrays:
    try:
        arrays = load_arrays(path)
    except (TypeError, AttributeError):  # bfloat16 and the like, which numpy does not have
        from safetensors.torch import load_file  # imported here: takes seconds

        arrays = {name: _plain(path, name, tensor) for name, tensor in load_file(path).items()}
    return {name: arrays[name] for name in sorted(arrays, key=_by_number)}


def _read_torch(path: Path) -> Arrays:
    import torch  # imported here: takes seconds, and the other formats do not need it

    try:
        with warnings.catch_warnings(action="ignore"):  # an error is one line
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises errors of pickle, zipfile and its own
        refused = "code to run" in str(error) or "weights_only" in str(error) or "Weights only" in str(error)
        got = "a pickle that wants to run code, which is refused" if refused else one_line(error)
        raise InputError(f"{path}: expected a PyTorch checkpoint of tensors only, got: {got}") from None
    for key in WRAPPED:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: expected a checkpoint of named tensors, got {type(content).__name__}")
    tensors = {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)}
    return {name: _plain(path, name, value) for name, value in tensors.items() if not value.is_complex()}


def _plain(path: Path, name: str, tensor: Any) -> NDArray[Any]:
    """Return a torch tensor of any type and layout as an array."""
    try:
        if tensor.is_quantized:
            tensor = tensor.dequantize()
        dense = tensor.detach().to_dense() if str(tensor.layout) != "torch.strided" else tensor.detach()
        array: NDArray[Any] = (dense.float() if dense.is_floating_point() else dense).numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise InputError(f"{path}: expected an array in {name!r}, got: {one_line(error)}") from None
    return array


READ: dict[str, Callable[[Path], Arrays]] = {
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
    ".pt": _read_torch,
    ".pth": _read_torch,
}


def _by_number(name: str) -> list[tuple[int, str]]:
    """Sort key by which layer 10 comes after layer 9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
