"""Weights that a file has in parts: a direction and a length, values and a mask, integers and a zero point.

Each function takes the arrays of a file by name and returns them with a weight in place of its parts, where the first
of them stood.
"""

import re
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError, listed, shortened
from uticket.foreign.contents import Arrays
from uticket.ticket.names import is_mask, is_scores, reason_to_skip, split

Values = NDArray[Any]
_PARAMETRIZED = re.compile(r"(.*?)parametrizations\.(\w+)\.original")
_MASKS = ("mask", "masks", "_mask", "pruning_mask", "prune_mask", "weight_masks")


def join_partners(arrays: Arrays) -> tuple[Arrays, list[str], list[str]]:
    """Return the arrays with every weight in one piece, masks that were not applied, and notes on what is odd.

    Raises InputError, naming the weight, if a mask named after it has another shape.
    """
    arrays, unmasked = _originals(_spectral_norm(_weight_norm(arrays)))
    arrays, integers = _zero_points(arrays)
    arrays, masked, others = _masks(arrays)
    lacking = [name for name in unmasked if name not in masked]
    return (
        arrays,
        others,
        [
            *note(
                lacking, "pruned by a parametrization (such as FakeSparsity) whose mask is not in the file: as stored"
            ),
            *note(others, "named as masks or scores, but not 0 and 1 of the shape of the weights: not applied"),
            *note(integers, "integers that are mostly some other number than 0, which counts as pruned: no zero point"),
        ],
    )


def is_binary(values: Values) -> bool:
    """Return whether an array holds 0 and 1 only."""
    return values.dtype.kind == "b" or bool(np.isin(values, (0, 1)).all())


def note(names: Collection[str], what: str) -> list[str]:
    """Return a note on some arrays, none if there are none of them."""
    return [f"{listed(names)}: {what}"] if names else []


def _joined(arrays: Arrays, parts: Collection[str], name: str, values: Values) -> Arrays:
    """Return the arrays with `name` where the first of its parts stood."""
    first = next(part for part in arrays if part in parts)
    kept = {part: old for part, old in arrays.items() if part == first or part not in parts}
    return {name if part == first else part: values if part == first else old for part, old in kept.items()}


def _weight_norm(arrays: Arrays) -> Arrays:
    """Compute the weights of `torch.nn.utils.weight_norm`, old (X_g, X_v) and new: direction times length."""
    for direction in list(arrays):
        new = _PARAMETRIZED.fullmatch(direction.removesuffix("1"))
        if new and direction.endswith("original1"):
            length, name = direction[:-1] + "0", new[1] + new[2]
        elif direction.endswith("_v"):
            length, name = direction[:-2] + "_g", direction[:-2]
        else:
            continue
        if length in arrays and (values := _times_length(arrays[direction], arrays[length])) is not None:
            arrays = _joined(arrays, (direction, length), name, values)
    return arrays


def _times_length(direction: Values, length: Values) -> Values | None:
    """Return direction / its norm x length; None if the length has not one number for each index of some axes.

    A direction of zeros, that of a filter that is pruned as a whole, gives zeros.
    """
    length = length.reshape((1,) * direction.ndim) if length.size == 1 else length
    if length.ndim != direction.ndim or direction.dtype.kind != "f":
        return None
    if any(own not in (1, whole) for own, whole in zip(length.shape, direction.shape, strict=True)):
        return None
    exact = direction.astype(np.float64)
    axes = tuple(axis for axis, own in enumerate(length.shape) if own == 1)
    norm = np.sqrt((exact**2).sum(axis=axes, keepdims=True))
    values: Values = exact * np.divide(length, norm, out=np.zeros_like(norm), where=norm > 0)
    return values.astype(np.float32 if direction.dtype.itemsize < 4 else direction.dtype)


def _spectral_norm(arrays: Arrays) -> Arrays:
    """Compute the weights of `torch.nn.utils.spectral_norm`, old and new: divided by their largest singular value."""
    for original in list(arrays):
        new = _PARAMETRIZED.fullmatch(original)
        if new:
            stem, name = original.removesuffix("original") + "0._", new[1] + new[2]
        elif original.endswith("_orig"):
            stem, name = original.removesuffix("orig"), original.removesuffix("_orig")
        else:
            continue
        left, right, values = arrays.get(f"{stem}u"), arrays.get(f"{stem}v"), arrays[original]
        if left is None or right is None or left.size * right.size != values.size or values.ndim < 2:
            continue
        axis = next((axis for axis in (0, 1) if values.shape[axis] == left.size), None)  # 1 of transposed convolutions
        if axis is None:
            continue
        rows = np.moveaxis(values, axis, 0).reshape(left.size, -1)
        largest = left.ravel() @ (rows @ right.ravel())
        arrays = _joined(arrays, (original, f"{stem}u", f"{stem}v"), name, values / largest)
    return arrays


def _originals(arrays: Arrays) -> tuple[Arrays, list[str]]:
    """Rename what is stored as X_orig (`torch.nn.utils.prune`) or as an original of a parametrization to X."""
    renamed = []
    for original in list(arrays):
        new = _PARAMETRIZED.fullmatch(original)
        name = new[1] + new[2] if new else original.removesuffix("_orig")
        if name != original and name not in arrays:
            arrays = _joined(arrays, (original,), name, arrays[original])
            renamed.append(name)
    return arrays, renamed


def _zero_points(arrays: Arrays) -> tuple[Arrays, list[str]]:
    """Turn integers with a zero point into numbers; return also the weights that seem to lack one."""
    suspect = []
    for stored, values in list(arrays.items()):
        if values.dtype.kind not in "iu" or values.ndim < 2 or is_binary(values) or reason_to_skip(stored, alone=True):
            continue
        name, module = _bare(stored), split(stored)[0]
        places = (f"{name}_zero_point", f"{name}.zero_point", f"{name}_zp", f"{stored}_zero_point")
        zero = next((place for place in (*places, f"{module}zero_point") if place in arrays), None)
        if zero is None or arrays[zero].size not in (1, len(values)):
            number, count = np.unique(values, return_counts=True)
            suspect += [name] if number[count.argmax()] else []
            continue
        scale = zero.replace("zero_point", "scale").replace("_zp", "_scale")
        column = (-1,) + (1,) * (values.ndim - 1)
        whole = values.astype(np.float32) - arrays[zero].reshape(column)
        step = arrays[scale] if scale in arrays and arrays[scale].size in (1, len(values)) else np.ones(1)
        numbers = (whole * step.reshape(column)).astype(np.float32)
        arrays = _joined(arrays, [part for part in (stored, zero, scale) if part in arrays], name, numbers)
    return arrays, suspect


def _bare(stored: str) -> str:
    return stored.removesuffix("_quantized")  # ONNX


def _masks(arrays: Arrays) -> tuple[Arrays, set[str], list[str]]:
    """Multiply weights by their masks; return also the names of these weights, and of masks that were not applied."""
    masked, others = set(), []
    for place in [name for name in arrays if is_mask(name) or is_scores(name)]:
        beside = _weights_of(place) if is_mask(place) and not is_scores(place) else [split(place)[0] + "weight"]
        name = next((name for name in beside if name in arrays and name != place), None)
        if name is None:
            continue
        mask, values = arrays[place], arrays[name]
        fitting = _fitted(mask, values.shape)
        if fitting is None and place == f"{name}_mask":
            where = f"expected a mask of {shortened(name)!r} of shape"
            raise InputError(f"{where} {values.shape}, got {mask.shape}")
        if fitting is None or is_scores(place) or not is_binary(mask):
            others.append(place)
            continue
        arrays = _joined(arrays, (place, name), name, values * (fitting != 0))
        masked.add(name)
    return arrays, masked, others


def _weights_of(place: str) -> list[str]:
    """Return the names that the weight of a mask may have: beside it, around it, or without a part called masks."""
    module, leaf = split(place)
    around = split(module[:-1])[0]
    if leaf in _MASKS:
        outside = re.sub(r"\.parametrizations\.(\w+)\.\d+\.$", r".\1", f".{module}").removeprefix(".")
        names = [f"{module}weight", outside.rstrip("./"), f"{module}kernel"]
    elif leaf.endswith("_mask"):
        base = leaf.removesuffix("_mask")
        names = [module + base, f"{module}module.{base}", around + base, f"{module}{base}.weight"]
    else:
        names = [module + leaf.removeprefix("mask_")]
    parts = re.split(r"([./])", place)
    for n in range(0, len(parts) - 1, 2):
        if re.fullmatch(r"(\w+_)?masks?(_dict)?", parts[n]):
            rest = "".join(parts[:n] + parts[n + 2 :])
            names += [rest, f"{rest}.weight"]
    return names


def _fitted(mask: Values, shape: tuple[int, ...]) -> Values | None:
    """Return a mask of whole weights, or of whole filters, that multiplies weights of the shape; None if it is none."""
    if mask.ndim == 1 and len(shape) > 1 and len(mask) == shape[0]:
        mask = mask.reshape((-1,) + (1,) * (len(shape) - 1))
    fits = mask.ndim == len(shape) and all(own in (1, whole) for own, whole in zip(mask.shape, shape, strict=True))
    return mask if fits else None
