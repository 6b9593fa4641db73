"""What a pickled module says about its layer."""

from collections.abc import Mapping
from typing import Any

from uticket.foreign.contents import Operator


def operator_of(kind: str, state: Mapping[Any, Any]) -> Operator:
    """Return the operation of a module of the class `kind` with these attributes, as torch.nn names them."""
    groups = state.get("groups")
    transposed = state.get("transposed")
    return Operator(
        kind=kind,
        stride=sizes(state.get("stride")),
        padding=sizes(state.get("padding")),
        dilation=sizes(state.get("dilation")),
        groups=groups if type(groups) is int else None,
        inputs_first=transposed if isinstance(transposed, bool) else None,
    )


def sizes(value: Any) -> tuple[int, ...] | None:
    """Return whole numbers as a tuple; None if they are anything else."""
    numbers = tuple(value) if isinstance(value, list | tuple) else (value,)
    return numbers if numbers and all(type(number) is int for number in numbers) else None
