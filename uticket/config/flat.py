"""Settings as a flat list: a dotted key and a text for each."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Return each setting below a value, a record or what YAML holds, by its dotted key, as text.

    A list is one setting. Of a record, only what was given.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_unset=True, warnings=False)
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flat(inner, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(value, list | tuple):
        yield prefix, ", ".join(text for _, text in (pair for item in value for pair in flat(item))) or "none"
    else:
        yield prefix, _text(value)


def _text(value: Any) -> str:
    """Return one value as YAML has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value)  # six digits would hide what differs in the seventh
