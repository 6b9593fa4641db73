"""A failed check of pydantic as one line for a user."""

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from uticket.base.errors import suggestion
from uticket.config.block import shown


def describe(error: ValidationError, record: type[BaseModel]) -> str:
    """Return the first failed check of `record` in one line: key, what was expected, what it got, how many more."""
    # an unknown key first: the key that is missing beside it is often what was meant
    first, *others = sorted(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"] if part != "[key]")
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == "value_error":  # raised by a check of ours
        text = str(first["ctx"]["error"])
        joined = "." if re.match(r"[^\s:]+: ", text) else ": "  # a check across the keys of a block says which one
        return (f"{key}{joined}" if key else "") + text + more
    if first["type"] == "extra_forbidden":
        name, known = str(first["loc"][-1]), _keys_beside(record, first["loc"])
        return f"{key}: expected one of {', '.join(known)}, got the unknown key {name!r}{suggestion(name, known)}{more}"
    if first["type"] == "missing":
        return f"{key}: expected a value, got nothing{more}"
    if first["type"] == "json_invalid":
        return f"expected JSON, got: {first['msg'].removeprefix('Invalid JSON: ')}"
    got = "nothing" if first["input"] is None else shown(first["input"])
    return f"{key or 'top level'}: expected {expectation(first)}, got {got}{more}"


def expectation(error: Mapping[str, Any]) -> str:
    """Return what a failed check of pydantic expected, in the words of someone who writes YAML."""
    words = {"model_type": "a block of keys and values", "dict_type": "a block of keys and values"}
    words |= {"tuple_type": "a list", "too_short": "at least one", "string_too_short": "some text"}
    words |= {"int_parsing_size": "a smaller number"}
    text: str = words.get(error["type"], error["msg"])
    text = text.removeprefix("Input should be ").removeprefix("a valid ").replace("String should match", "text of the")
    return re.sub(", (unable to parse|got a number).*", "", text)


def _keys_beside(record: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """The keys that the block at `loc[:-1]` may have; dictionaries of blocks are walked through by their value type."""
    here: Any = record
    for part in loc[:-1]:
        if isinstance(here, type) and issubclass(here, BaseModel):
            here = here.model_fields[str(part)].annotation
        else:
            here = [inner for inner in get_args(here) if inner is not Ellipsis][-1]
        if type(None) in get_args(here):  # a block that may be null
            here = get_args(here)[0]
    return list(here.model_fields)
