"""Weights and masks of modules, those pruned by `torch.nn.utils.prune` among them."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from uticket.capturing.axes import Weighted, mask_shape, weighted_layers


def weights_and_mask(module: Weighted) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the weights of a layer and which of them are kept, of the shape that a ticket has them in.

    Kept are those that are not zero; if the layer is pruned by `torch.nn.utils.prune`, what its mask keeps, and the
    weights have the values that pruned ones had before.
    """
    original, mask = getattr(module, "weight_orig", None), getattr(module, "weight_mask", None)
    if isinstance(original, Tensor) and isinstance(mask, Tensor):
        return _array(module, original), _kept(_array(module, mask))
    weights = _array(module, module.weight)
    return weights, _kept(weights)


def not_seen(model: nn.Module) -> list[str]:
    """Return parameters of two or more axes that belong to no convolution or linear layer, with their module."""
    layers = set(weighted_layers(model).values())
    found = []
    for name, module in model.named_modules():
        if module in layers:
            continue
        for own, parameter in module.named_parameters(recurse=False):
            if parameter.ndim >= 2:
                found.append(f"{name}.{own}".lstrip(".") + f" ({type(module).__name__}, {parameter.numel()} weights)")
    return found


def footprint_bytes(model: nn.Module) -> int:
    """Return the bytes of all parameters and buffers (footprint, NeuroBench)."""
    return sum(values.numel() * values.element_size() for values in (*model.parameters(), *model.buffers()))


def _kept(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return what is not zero, read-only, so that a ticket takes it without a copy."""
    kept: NDArray[np.bool_] = values != 0
    kept.flags.writeable = False
    return kept


def _array(module: Weighted, values: Tensor) -> NDArray[Any]:
    floating = values.detach().to(torch.float32) if values.dtype == torch.bfloat16 else values.detach()
    copied: NDArray[Any] = floating.cpu().clone().numpy()  # by PyTorch, with several threads
    return copied.reshape(mask_shape(module))
