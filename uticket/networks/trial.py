"""A trial of a network of one's own on a few images: what is wrong with it is said before it is trained."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from uticket.base.errors import InputError, one_line
from uticket.capturing.calls import watching
from uticket.capturing.sums import Sums
from uticket.networks.arriving import arriving
from uticket.networks.network import SpikingNetwork, weight_layers
from uticket.networks.own import OwnNetwork

FEW, MORE = 2, 3  # images


def try_out(network: SpikingNetwork, image_shape: Sequence[int], num_classes: int) -> None:
    """Run a network on made-up images; note which layers run, which outputs are added, and which buffers are membranes.

    Nothing else changes.

    image_shape: as prepared, without the batch. Raises InputError, in one line, if the outputs have another shape, if
    membranes stay from one batch to the next, if a parameter takes no part in the outputs, if there is no layer to
    prune, or if a layer cannot be.
    """
    few, more = torch.randn(FEW, *image_shape), torch.randn(MORE, *image_shape)
    network.eval()
    first, stacked = _inputs(network, few, num_classes)
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    for name, values in _inputs(network, few, num_classes)[0].items():
        if not torch.equal(values.nan_to_num(), first[name].nan_to_num()):
            got = f"another input of {name!r} the second time"
            expected = "the same outputs for the same images (a module resets in `reset()`)"
            raise InputError(f"model.name: expected {expected}, got {got}")
    # in a loop the tokens of few images may look like them, but not those of more
    network.stacked = frozenset(stacked & _inputs(network, more, num_classes)[1])
    if isinstance(network, OwnNetwork):
        state = network.state_dict()
        changed = (n for n, b in network.named_buffers() if n not in buffers or not torch.equal(b, buffers[n]))
        network.membranes = frozenset(name for name in changed if name in state)
        network.adds_to = _sums(network, few)
    _check_layers(network, set(first))
    _check_gradients(network, few)
    network.train()


def _inputs(network: SpikingNetwork, images: Tensor, num_classes: int) -> tuple[dict[str, Tensor], set[str]]:
    """Return the inputs of the layers that run, the outputs by the name 'the outputs', and which inputs are stacked."""
    found: dict[str, Tensor] = {}
    with torch.no_grad(), arriving(network, found.__setitem__) as stacked:
        outputs = _run(network, images)
    if outputs.shape[2] != num_classes:
        raise InputError(f"model.name: expected outputs of {num_classes} classes, got shape {tuple(outputs.shape)}")
    return {**found, "the outputs": outputs}, stacked


def _run(network: SpikingNetwork, images: Tensor) -> Tensor:
    try:
        outputs: Tensor = network(images)
    except InputError:
        raise
    except Exception as error:
        got = f"{type(error).__name__}: {one_line(error)}"
        raise InputError(f"model.name: expected a network for images {tuple(images.shape)}, got {got}") from error
    return outputs


def _sums(network: OwnNetwork, images: Tensor) -> dict[str, str]:
    """Return layer -> the residual sum that its output is part of: as the module says (`adds_to`), or as it runs."""
    said = getattr(network.module, "adds_to", None)
    if isinstance(said, dict):
        return said
    sums = Sums()
    with torch.no_grad(), watching(network.module, sums):
        _run(network, images)
    return sums.adds_to()


def _check_layers(network: SpikingNetwork, seen: set[str]) -> None:
    network.runs = frozenset(name for name in weight_layers(network) if name in seen)
    if not network.runs:
        raise InputError("model.name: expected a network with Conv1d, Conv2d or Linear layers that run, got none")
    for name, layer in weight_layers(network).items():
        if not isinstance(layer.weight, nn.Parameter):
            raise InputError(f"model.name: expected weights that are a parameter in {name!r}, got computed ones")


def _check_gradients(network: SpikingNetwork, images: Tensor) -> None:
    """Take a step back through the network in training, and restore what that changed."""
    state = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    outputs = _run(network, images)
    if not outputs.requires_grad:
        raise InputError("model.name: expected outputs with a gradient (spikes have a surrogate one), got none")
    outputs.square().mean().backward()
    for name, parameter in network.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            expected = "every parameter to take part in the outputs"
            raise InputError(
                f"model.name: expected {expected}, got none of {name!r}; requires_grad_(False) leaves it out"
            )
        parameter.grad = None
    network.load_state_dict(state)
