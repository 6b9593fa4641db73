"""`apply`: put the mask and the weights of a ticket into the PyTorch module that they belong to."""

from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from uticket.base.errors import InputError
from uticket.capturing.axes import Weighted, mask_shape, weighted_layers
from uticket.ticket.reader import names_of
from uticket.ticket.ticket import Ticket

Model = TypeVar("Model", bound=nn.Module)


def apply(ticket: Ticket, model: Model) -> Model:
    """Change `model` in place: its layers get the mask and, where the ticket has them, the weights; return it.

    The mask is put on by `torch.nn.utils.prune`, so that pruned weights stay zero in training (weight_orig and
    weight_mask in the state; `prune.remove(module, "weight")` makes it final); a mask that is there is replaced.
    Layers of the ticket are those of the model by their exact names, with or without .weight; layers of the model that
    the ticket lacks stay as they are. Raises InputError, and changes nothing, if a layer is missing or has another
    shape, or if a layer that runs twice in a timestep (NAME and NAME@2) has two masks.
    """
    modules = weighted_layers(model)
    found: dict[str, tuple[Weighted, Tensor, Tensor | None]] = {}
    for layer in ticket.layers:
        name = next((name for name in (*names_of(layer), layer.name.rpartition("@")[0]) if name in modules), None)
        if name is None:
            known = ", ".join(modules) or "none"
            raise InputError(f"model: expected a layer {layer.name!r}, got {known}"[:400])
        module = modules[name]
        values = ticket.weights.get(layer.name) if ticket.weights is not None else None
        mask = _as_in(name, module, ticket.mask[layer.name])
        if name in found and not torch.equal(found[name][1], mask):
            raise InputError(
                f"{name}: expected one mask for all its calls in a timestep, got another for {layer.name!r}"
            )
        found[name] = module, mask, None if values is None else _as_in(name, module, values)
    for module, mask, weights in found.values():
        _put(module, mask, weights)
    return model


def _as_in(name: str, module: Weighted, values: Any) -> Tensor:
    """Return an array of a ticket as a tensor like the weight of its module."""
    weight = module._parameters.get("weight_orig", module._parameters.get("weight"))
    if weight is None:
        raise InputError(f"{name}: expected a plain weight, or one pruned by torch.nn.utils.prune, got another")
    expected = mask_shape(module)
    if values.shape != expected:
        raise InputError(f"{name}: expected weights of shape {expected} as in the model, got {values.shape}")
    return torch.from_numpy(np.array(values)).reshape(weight.shape).to(weight.device, weight.dtype)


@torch.no_grad()
def _put(module: Weighted, mask: Tensor, weights: Tensor | None) -> None:
    pruned = "weight_orig" in module._parameters
    if weights is not None:
        module.get_parameter("weight_orig" if pruned else "weight").copy_(weights)
    if pruned:
        module.get_buffer("weight_mask").copy_(mask)
        module.weight = module.get_parameter("weight_orig") * mask  # a plain tensor, as prune has it
    else:
        prune.custom_from_mask(module, "weight", mask)
