"""Edits of params.yaml that keep its comments: chains of tickets, and presets."""

from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from uticket.base.errors import InputError, one_line
from uticket.base.files import write_text
from uticket.config.lineage import DENSE, method_of
from uticket.config.params import checked_params, read_yaml

REPLACED = ("balance", "tickets")  # blocks that a preset replaces as a whole: their keys are the user's names


def write_chains(path: Path, number: int, methods: Sequence[str]) -> None:
    """Give each of `methods` the chain METHOD/r01 <- dense, METHOD/r02 <- METHOD/r01, ... of `number` tickets.

    Only the lines of these chains change. Raises InputError, and writes nothing, if the file is wrong or has no such
    method in `balance`, or if a ticket of another chain would lose its parent.
    """
    values = read_yaml(path)
    known = values.get("balance") if isinstance(values, dict) else None
    for method in methods:
        if not isinstance(known, dict) or method not in known:
            names = ", ".join(map(str, known or {})) or "none"
            raise InputError(f"--methods: expected methods of the block balance of {path} ({names}), got {method!r}")

    def edit(text: str) -> str:
        for method in methods:
            text = _with_chain(text, method, number)
        return text

    _rewrite(path, edit)


def apply_presets(path: Path, presets: Sequence[Path]) -> None:
    """Merge presets, in order, into params.yaml. Raises InputError, and writes nothing, if the outcome is wrong."""
    deltas = [read_yaml(preset) for preset in presets]
    for preset, delta in zip(presets, deltas, strict=True):
        if not isinstance(delta, dict):
            raise InputError(f"{preset}: expected blocks of params.yaml, got {type(delta).__name__}")

    def edit(text: str) -> str:
        for delta in deltas:
            for key in REPLACED:
                text = _with_block(text, key, delta[key]) if key in delta else text
            values = _yaml().load(text)
            _merge(values, {key: value for key, value in delta.items() if key not in REPLACED})
            text = _dumped(values)
        return text

    _rewrite(path, edit)


def _rewrite(path: Path, edit: Callable[[str], str]) -> None:
    """Replace the text of params.yaml by what `edit` makes of it, if that is right."""
    path = path.resolve()  # a link stays a link
    try:
        text = edit(path.read_text(encoding="utf-8"))
        values = YAML(typ="safe").load(text)
    except (YAMLError, KeyError, AttributeError, TypeError, StopIteration) as error:
        reason = "each ticket on a line of its own, under `tickets:`"
        raise InputError(f"{path}: expected {reason}, got another layout: {one_line(error)}") from None
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, got: {error.strerror}") from None
    checked_params(values, path)
    write_text(path, text)


def _with_chain(text: str, method: str, number: int) -> str:
    """Return the YAML text with another chain for `method`; lines of tickets that stay are kept as they are."""
    lines = text.splitlines()
    tickets: Any = YAML().load(text)["tickets"]
    if tickets.fa.flow_style():
        raise TypeError("tickets in braces")
    names = [f"{method}/r{n:02d}" for n in range(1, number + 1)]
    parents = dict(zip(names, [DENSE, *names], strict=False))
    line_of = {name: tickets.lc.key(name)[0] for name in tickets}
    old = {line: name for name, line in line_of.items() if method_of(name) == method}
    last = max(old, default=max(line_of.values()))
    indent = " " * tickets.lc.key(next(iter(tickets)))[1]
    kept = {name for name in old.values() if tickets[name] == parents.get(name)}
    added = [f"{indent}{name}: {parent}" for name, parent in parents.items() if name not in kept]
    before = [line for place, line in enumerate(lines[: last + 1]) if old.get(place, "") in ("", *kept)]
    return "\n".join([*before, *added, *lines[last + 1 :]]) + "\n"


def _with_block(text: str, key: str, value: Any) -> str:
    """Return the YAML text with another block `key`; what follows it, comments too, stays."""
    lines = text.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith(f"{key}:"))
    last = first
    while last + 1 < len(lines) and lines[last + 1].startswith(" "):
        last += 1
    return "\n".join([*lines[:first], *_dumped({key: value}).splitlines(), *lines[last + 1 :]]) + "\n"


def _merge(values: Any, delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            _merge(values[key], value)
        else:
            values[key] = value


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 120
    yaml.preserve_quotes = True
    yaml.representer.add_representer(type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null"))
    return yaml


def _dumped(values: Any) -> str:
    out = StringIO()
    _yaml().dump(values, out)
    return out.getvalue()
