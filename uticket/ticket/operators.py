"""What a file itself says about the layer of an array: graphs (NIR, ONNX) and whole modules name it, with its sizes."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from numpy.typing import NDArray
from pydantic import ValidationError

from uticket.foreign.contents import Operator
from uticket.ticket.layer import Layer, Pair
from uticket.ticket.layouts import Layout
from uticket.ticket.names import is_weight

_LAYERS = re.compile(r"\w*(conv|linear|affine|dense|gemm|matmul)\w*", re.IGNORECASE)
_ONNX = ("Conv", "ConvTranspose", "Gemm", "MatMul")  # whose weights may have any name
_OTHERS = re.compile(
    r"\w*(norm|embed|neuron|node|lif|psn|scale|threshold|leaky|synaptic|alpha)\w*|I|IF|LI", re.IGNORECASE
)
_ONCE = ("Gemm", "Affine")  # linear layers of one token


def operator_of(name: str, operators: Mapping[str, Operator]) -> Operator | None:
    """Return what is said about a weight, or about a part of which it was put together."""
    parts = (name, f"{name}_orig", f"{name}_v", f"{name}_quantized")
    return next((operators[part] for part in parts if part in operators), None)


def is_layer(name: str, operator: Operator) -> bool:
    """Return whether the array holds the weights of a layer for sure."""
    return bool(_LAYERS.fullmatch(operator.kind)) and (is_weight(name) or operator.kind in _ONNX)


def other_than_layer(operator: Operator) -> str | None:
    """Return why the arrays of an operation are no weights of layers; None if its kind does not say so."""
    is_other = not _LAYERS.fullmatch(operator.kind) and _OTHERS.fullmatch(operator.kind)
    return f"parameters of {operator.kind}" if is_other else None


def cannot_run(operator: Operator, values: NDArray[Any]) -> str | None:
    """Return why the weights of an operation are skipped all the same; None if they are not."""
    if not values.size:
        return "empty"
    grouped = operator.inputs_first and values.ndim > 2 and (operator.groups or 1) > 1
    return "grouped transposed convolutions" if grouped else None


def layout_by(operator: Operator, axes: int) -> Layout | None:
    """Return the layout of an array with that many axes, None if the file does not say it."""
    if operator.inputs_first is None:
        return None
    turned: Layout = "hwio" if axes == 2 else "iohw"
    return turned if operator.inputs_first else "oihw"


def layer_by(name: str, shape: Sequence[int], operator: Operator) -> Layer:
    """Return the layer of weights of a shape, with the sizes that the file gives.

    If it gives a size, but not all from which the size of the output follows, the positions are in one row.
    """
    layer = Layer.of_shape(name, shape)
    groups = operator.groups or 1
    if layer.kind == "conv" and groups > 1 and shape[0] % groups == 0:
        layer = layer.model_copy(update={"groups": groups, "channels": shape[1] * groups})
    if layer.kind == "linear":
        return layer.in_one_row(1) if operator.kind in _ONCE else layer
    stride, dilation, output = _pair(operator.stride, 1), _pair(operator.dilation, 1), _size(operator.output_size)
    padding, size = _pair(operator.padding, 0), _size(operator.input_size)
    if size and stride and dilation and padding and min(*stride, *dilation) > 0 and not operator.inputs_first:
        steps = zip(size, padding, layer.kernel, stride, dilation, strict=True)
        follows = tuple((n + 2 * pad - far * (kernel - 1) - 1) // step + 1 for n, pad, kernel, step, far in steps)
        if min(follows) > 0 and output in (None, follows) and (output or operator.padding):
            sizes = {"stride": stride, "dilation": dilation, "padding": padding, "input_size": size}
            with suppress(ValidationError):  # sizes that cannot be say nothing
                return Layer(**{**layer.model_dump(), **sizes, "output_size": follows, "positions_known": True})
    return layer.in_one_row(output[0] * output[1]) if output and min(output) > 0 else layer


def _pair(given: tuple[int, ...] | None, otherwise: int) -> Pair | None:
    """Return a setting as (height, width), None if it is none; that of one dimension is the width."""
    if given is None:
        return otherwise, otherwise
    return (otherwise, given[0]) if len(given) == 1 else _size(given)


def _size(given: tuple[int, ...] | None) -> Pair | None:
    if given is None or len(given) not in (1, 2):
        return None
    return (1, given[0]) if len(given) == 1 else (given[0], given[1])
