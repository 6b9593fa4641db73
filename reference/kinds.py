"""Which values a setting may have, in words, from the type of its field."""

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import PlainValidator
from pydantic.fields import FieldInfo

from uticket.base.registry import Registry
from uticket.config.block import whole_or_inf
from uticket.config.tables import NETWORKS, check_network

NAMES = {bool: "`true`, `false`", int: "whole number", float: "number", str: "text", dict: "block", NoneType: "`null`"}


def kind_of(field: FieldInfo) -> str:
    """Return the values of a field."""
    return _kind(field.annotation, field.metadata)


def _kind(kind: Any, checks: Sequence[Any] = ()) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        more = [part for check in inner[1:] for part in (check.metadata if isinstance(check, FieldInfo) else [check])]
        return _kind(inner[0], [*checks, *more])
    words = _words(kind, checks)
    if words:
        return words
    if origin in (Union, UnionType):
        return ", or ".join(_kind(part, checks) for part in inner)
    if origin is tuple:
        if inner[-1] is Ellipsis:
            each = _kind(inner[0])
            return f"{each}, or a list of these by round" if _by_round(checks) else f"list: {each}"
        return f"list of {len(inner)}: {_kind(inner[0])}"
    return NAMES[origin or kind] + _bounds(checks)


def _words(kind: Any, checks: Sequence[Any]) -> str:
    """Return the words or numbers that a check of ours allows, "" if there is no such check."""
    if get_origin(kind) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(kind))
    for check in checks:
        function = getattr(check, "func", None)
        table = getattr(function, "__self__", None)
        if isinstance(table, Registry):
            return ", ".join(f"`{word}`" for word in table)
        if function is check_network:
            return ", ".join([*(f"`{word}`" for word in NETWORKS), "MODULE:FUNCTION"])
        if getattr(function, "func", None) is whole_or_inf:
            return f"whole number from {function.keywords['least']}, or `inf`"  # type: ignore[union-attr]
    return ""


def _by_round(checks: Sequence[Any]) -> bool:
    return any(isinstance(check, PlainValidator) for check in checks)


def _bounds(checks: Sequence[Any]) -> str:
    """Return the tightest bounds of a number."""
    least, above = _all(checks, Ge, "ge"), _all(checks, Gt, "gt")
    most, below = _all(checks, Le, "le"), _all(checks, Lt, "lt")
    parts = [*([f"from {max(least):,}"] if least else []), *([f"above {max(above):,}"] if above else [])]
    parts += [*([f"to {min(most):,}"] if most else []), *([f"below {_short(min(below))}"] if below else [])]
    return " ".join(["", *parts])


def _all(checks: Sequence[Any], kind: type, name: str) -> list[Any]:
    return [getattr(check, name) for check in checks if isinstance(check, kind)]


def _short(number: float) -> str:
    return f"{number:,}" if number < 2**32 else f"2^{int(number).bit_length() - 1}"
