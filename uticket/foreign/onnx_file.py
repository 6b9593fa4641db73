"""Weights and layers in an ONNX file. The network is not run, and numbers outside of its folder are not read."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.files import look
from uticket.base.room import Room
from uticket.foreign.contents import Arrays, Contents, Operator, Skipped
from uticket.foreign.dtypes import count, plain, plain_size, unread
from uticket.foreign.operators import sizes

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "ConvInteger", "QLinearConv")
LARGEST = 2**31  # bytes of a file of protocol buffers


def read_onnx(path: Path) -> Contents:
    """Read the constants of an ONNX graph, in the order in which its nodes use them."""
    import onnx  # imported here: other formats do not need it

    room = Room()
    room.take(path.stat().st_size, "a file")
    if path.stat().st_size > LARGEST:
        raise ValueError("more than 2 GiB, which ONNX does not allow")
    graph = onnx.load(path, load_external_data=False).graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        for part in node.attribute if node.op_type == "Constant" else ():
            if part.name == "value" and part.HasField("t"):
                tensors[node.output[0]] = part.t
    if not graph.node and not tensors:
        raise ValueError("no ONNX graph")
    used = [name for node in graph.node for name in node.input if name in tensors]
    arrays: Arrays = {}
    skipped: list[Skipped] = []
    for name in dict.fromkeys([*used, *tensors]):
        values = _array(path, tensors[name], room)
        if isinstance(values, str):
            skipped.append(Skipped(name, values, count(int(size) for size in tensors[name].dims)))
        else:
            arrays[name] = values
    return Contents(arrays, tuple(skipped), _operators(onnx, graph))


def _array(path: Path, tensor: Any, room: Room) -> NDArray[Any] | str:
    """Return the numbers of a tensor, or why they are not read."""
    from onnx import helper, numpy_helper

    dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    numbers = count(int(size) for size in tensor.dims)
    if unread(dtype):
        return unread(dtype)
    room.take(numbers * plain_size(dtype), "arrays")
    if tensor.data_location == tensor.EXTERNAL:
        tensor.raw_data = _outside(path, {entry.key: entry.value for entry in tensor.external_data}, room)
        tensor.data_location = tensor.DEFAULT
    return plain(np.asarray(numpy_helper.to_array(tensor)))


def _outside(path: Path, entry: dict[str, str], room: Room) -> bytes:
    """Return the bytes of a tensor that lie in a file beside the graph. Raises ValueError if it lies elsewhere."""
    folder = Path(os.path.realpath(path.parent))
    file = Path(os.path.realpath(folder / entry.get("location", "")))
    if not file.is_relative_to(folder):
        raise ValueError(f"numbers in {entry.get('location', '')[:80]!r}, outside of the folder of the file")
    size = look(file)
    start = int(entry.get("offset", 0))
    length = int(entry.get("length", size - start))
    if not (0 <= start <= size and 0 <= length <= size - start):
        raise ValueError(f"numbers after the end of {file.name[:80]!r}")
    room.take(length, "numbers")
    with file.open("rb") as content:
        content.seek(start)
        return content.read(length)


def _operators(onnx: Any, graph: Any) -> dict[str, Operator]:
    """Return what the graph says about the layer of each weight, sizes of its inputs and outputs where it has them."""
    shapes = {value.name: _size(value) for value in (*graph.input, *graph.value_info, *graph.output)}
    found: dict[str, Operator] = {}
    for node in graph.node:
        if node.op_type not in LAYERS or len(node.input) < 2:
            continue
        given = {part.name: onnx.helper.get_attribute_value(part) for part in node.attribute}
        pads, groups = sizes(given.get("pads")), given.get("group", 1)
        padding = pads[: len(pads) // 2] if pads and pads[: len(pads) // 2] == pads[len(pads) // 2 :] else None
        weight = next((name for name in node.input[1:] if name), "")
        transposed = node.op_type in ("ConvTranspose", "MatMul")
        found[weight] = Operator(
            kind=node.op_type,
            stride=sizes(given.get("strides")),
            padding=padding,
            dilation=sizes(given.get("dilations")),
            groups=groups if type(groups) is int else None,
            input_size=shapes.get(node.input[0]),
            output_size=shapes.get(node.output[0]),
            inputs_first=transposed or (node.op_type == "Gemm" and not given.get("transB")),
        )
    return found


def _size(value: Any) -> tuple[int, ...] | None:
    """Return (height, width) of a value whose shape the graph knows."""
    inner = [int(part.dim_value) for part in value.type.tensor_type.shape.dim[2:]]
    return sizes(inner) if all(inner) else None
