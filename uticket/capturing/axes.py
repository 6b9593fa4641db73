"""Which axes of a tensor at a layer are the layer's own, and the shape of the layer."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from uticket.base.errors import InputError
from uticket.capturing.libraries import classes_of
from uticket.ticket.layer import Layer, Reads

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
Weighted = Convolution | nn.Linear
Shape = tuple[int, ...]


def weighted_layers(model: nn.Module) -> dict[str, Weighted]:
    """Return the convolution and linear layers of a network by name, each once."""
    return {name: module for name, module in model.named_modules() if isinstance(module, Weighted)}


def own_axes(name: str, module: Weighted, values: Tensor) -> tuple[Tensor, int]:
    """Return an input or output of a layer with the layer's own axes last, and how many these are.

    They are the features of a linear layer, (channels, length) of Conv1d, (channels, height, width) of Conv2d, and of
    Conv3d as well, whose third axis must be time: its kernel has the size 1 there.
    """
    own = 1 if isinstance(module, nn.Linear) else 2 if isinstance(module, nn.Conv1d) else 3
    if isinstance(module, nn.Conv3d) and "LConv2d" not in classes_of(module):
        axis, dims = time_axis(name, module), values.ndim
        if dims > 5:
            raise InputError(f"{name}: expected a Conv3d with time in one of its 3 axes, got inputs of {dims} axes")
        values = values.movedim(dims - 3 + axis, dims - 4)
    if values.ndim < own:
        raise InputError(f"{name}: expected inputs of at least {own} axes, got the shape {tuple(values.shape)}")
    return values, own


def time_axis(name: str, module: nn.Conv3d) -> int:
    """Return which axis of a Conv3d is time, 0 or 2: where its kernel takes one timestep. Norse has it last."""
    for axis in (2, 0) if "LConv2d" in classes_of(module) else (0, 2):
        alone = module.kernel_size[axis], module.stride[axis], _paddings(module)[axis]
        if alone == (1, 1, (0, 0)):
            return axis
    kernel = "x".join(map(str, module.kernel_size))
    raise InputError(f"{name}: expected a Conv3d with a kernel of 1 in time, one convolution a timestep, got {kernel}")


def to_2d(name: str, module: Convolution, sizes: Sequence[int]) -> tuple[int, int]:
    """Return kernel, stride, dilation or the like of a convolution as (height, width); Conv1d has the height 1."""
    if isinstance(module, nn.Conv1d):
        return 1, sizes[0]
    kept = [
        size for axis, size in enumerate(sizes) if not isinstance(module, nn.Conv3d) or axis != time_axis(name, module)
    ]
    return kept[0], kept[1]


def describe(
    name: str, module: Weighted, inputs: Shape, outputs: Shape, tokens: int, reads: Reads, adds_to: str | None
) -> Layer:
    """Return the shape of a layer. inputs, outputs: its own axes; tokens: how often a linear one runs in a timestep.

    Raises InputError if it is not one convolution with zeros around the input.
    """
    common: dict[str, Any] = {"name": name, "filters": outputs[0], "channels": inputs[0]}
    common |= {"reads": reads, "adds_to": adds_to}
    one, row = (1, 1), (1, tokens)
    if isinstance(module, nn.Linear):
        sizes = {"kernel": one, "stride": one, "padding": (0, 0), "input_size": row, "output_size": row}
        return Layer(kind="linear", **common, **sizes)
    before, after = zip(*_paddings(module), strict=True)
    if before != after:
        raise InputError(f"{name}: expected as much padding on both sides, got {before} and {after}")
    padding = (0, before[0]) if isinstance(module, nn.Conv1d) else to_2d(name, module, before)
    sizes = {
        "kernel": to_2d(name, module, module.kernel_size),
        "stride": to_2d(name, module, module.stride),
        "dilation": to_2d(name, module, module.dilation),
        "padding": padding,
        "input_size": _pair(inputs),
        "output_size": _pair(outputs),
    }
    layer = Layer(kind="conv", groups=module.groups, **common, **sizes)
    steps = zip(layer.input_size, layer.padding, layer.dilation, layer.kernel, layer.stride, strict=True)
    expected = tuple((size + 2 * pad - far * (kernel - 1) - 1) // step + 1 for size, pad, far, kernel, step in steps)
    if expected != layer.output_size:
        raise InputError(f"{name}: expected an output of {expected}, as one convolution gives, got {layer.output_size}")
    return layer


def mask_shape(module: Weighted) -> tuple[int, ...]:
    """Return the shape of a layer's weights and mask in a ticket.

    It is (filters, channels, height, width) or (outputs, inputs); a one-dimensional kernel has height 1.
    """
    shape = tuple(module.weight.shape)
    return shape if isinstance(module, nn.Linear) else (*shape[:2], *to_2d("", module, shape[2:]))


def _paddings(module: Convolution) -> list[tuple[int, int]]:
    """Return the zeros before and after each axis; torch keeps them for "same" too, the last axis first."""
    around = module._reversed_padding_repeated_twice
    return [(around[n], around[n + 1]) for n in range(len(around) - 2, -1, -2)]


def _pair(shape: Shape) -> tuple[int, int]:
    return (1, shape[1]) if len(shape) == 2 else (shape[1], shape[2])
