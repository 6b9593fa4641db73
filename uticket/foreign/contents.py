"""What a file holds: its arrays by name, what was left out and why, and what it says about its layers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Skipped:
    """A part of a file that was not read.

    name: of an array, or of what holds several ("optimizer"). reason: such as "state of an optimizer".
    numbers: how many values it holds; 0 if that is unknown.
    """

    name: str
    reason: str
    numbers: int = 0


@dataclass(frozen=True)
class Operator:
    """What a file says about the operation that uses an array; None where it does not say.

    kind: as the file calls it, such as Conv2d (torch, NIR), ConvTranspose2d, Conv, Gemm (ONNX) or LIF. The tuples are
    (height, width), or (length,) in one dimension. inputs_first: the array has its input channels as first axis.
    """

    kind: str
    stride: tuple[int, ...] | None = None
    padding: tuple[int, ...] | None = None
    dilation: tuple[int, ...] | None = None
    groups: int | None = None
    input_size: tuple[int, ...] | None = None
    output_size: tuple[int, ...] | None = None
    inputs_first: bool | None = None


@dataclass(frozen=True)
class Contents:
    """The numeric arrays of a file (booleans, integers, floats), in the order of the file.

    A safetensors file has no order: there it is by name, with numbers in names sorted by value. skipped: what else
    held numbers. operators: array -> what the file says about its layer. notes: choices made while reading that a user
    should know, such as which of several state dicts was taken. timesteps: those of the network, if the file says them.
    """

    arrays: Arrays
    skipped: tuple[Skipped, ...] = ()
    operators: Mapping[str, Operator] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    timesteps: int | None = None
