"""Edits of params.yaml that keep its comments: chains of tickets, and presets."""

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.error import YAMLError

from uticket.base.errors import InputError, one_line
from uticket.base.files import read_text, write_text
from uticket.config.lineage import DENSE, method_of
from uticket.config.params import checked_params, read_params, read_settings

REPLACED = ("balance", "tickets")  # blocks that a preset replaces as a whole: their keys are names of the user


def write_chains(path: Path, number: int, methods: Sequence[str]) -> None:
    """Give each of `methods` the chain METHOD/r01 <- dense, METHOD/r02 <- METHOD/r01, ... of `number` tickets.

    Only the lines of these chains change. Raises InputError, and writes nothing, if the file is wrong or has no such
    method in `balance`, or if a ticket of another chain would lose its parent.
    """
    known = _read_blocks(path).get("balance") or {}
    for method in methods:
        if method not in known:
            names = ", ".join(map(str, known)) or "none"
            raise InputError(f"--methods: expected methods of the block balance of {path} ({names}), got {method!r}")

    def edit(text: str) -> str:
        tickets = _yaml().load(text)["tickets"]
        for method in methods:
            tickets = _with_chain(tickets, method, number)
        return _with_entries(text, "tickets", tickets)

    _rewrite(path, str(path), edit)


def apply_presets(path: Path, presets: Sequence[Path]) -> None:
    """Merge presets, in order, into params.yaml. Raises InputError, and writes nothing, if the outcome is wrong."""
    _read_blocks(path)
    deltas = [_read_blocks(preset) for preset in presets]

    def edit(text: str) -> str:
        for delta in deltas:
            values = _yaml().load(text)
            _merge(values, delta)
            text = _dumped(values)
            for block in REPLACED:
                text = _with_entries(text, block, delta[block]) if block in delta else text
        return text

    _rewrite(path, f"{path} with {', '.join(map(str, presets))}", edit)


def keep_chains(path: Path, methods: Sequence[str]) -> None:
    """Leave out of params.yaml all tickets but those of `methods` and those that these are pruned from.

    If report.baseline is left out, the first of `methods` takes its place. Raises InputError, and writes nothing, if
    the file is wrong or has no such method.
    """
    params = read_params(path)
    lineage = params.lineage
    for method in methods:
        if method not in lineage.methods:
            known = ", ".join(lineage.methods)
            raise InputError(f"{path}: expected one of its methods ({known}), got {method!r}")
    kept = {ticket for method in methods for last in lineage.chain(method) for ticket in lineage.line(last)}
    needed = {method_of(ticket) for ticket in kept}
    baseline = params.report.baseline if params.report.baseline in needed else methods[0]

    def edit(text: str) -> str:
        values = _yaml().load(text)
        values["report"]["baseline"] = baseline
        text = _dumped(values)
        tickets = {ticket: parent for ticket, parent in values["tickets"].items() if ticket in kept}
        balance = {method: entry for method, entry in values["balance"].items() if method in needed}
        return _with_entries(_with_entries(text, "tickets", tickets), "balance", balance)

    _rewrite(path, str(path), edit)


def set_value(path: Path, block: str, name: str, value: str) -> None:
    """Set block.name in params.yaml. Raises InputError, and writes nothing, if the file or the outcome is wrong."""
    _read_blocks(path)

    def edit(text: str) -> str:
        values = _yaml().load(text)
        values[block][name] = value
        return _dumped(values)

    _rewrite(path, str(path), edit)


def _read_blocks(path: Path) -> dict[str, Any]:
    values = read_settings(path)
    if not isinstance(values, dict) or not all(isinstance(values.get(block, {}), dict) for block in REPLACED):
        raise InputError(f"{path}: expected blocks of settings ({', '.join(REPLACED)}, ...), got another layout")
    return values


def _rewrite(path: Path, what: str, edit: Callable[[str], str]) -> None:
    """Replace the text of params.yaml by what `edit` makes of it, if that is right. what: named if it is not."""
    try:
        text = edit(read_text(path).replace("\r\n", "\n"))
        values = YAML(typ="safe").load(text)
    except (YAMLError, KeyError, AttributeError, TypeError) as error:
        expected = "blocks of settings, each ticket and method on lines of its own"
        raise InputError(f"{path}: expected {expected}, got another layout ({one_line(error)})") from None
    checked_params(values, what)
    write_text(path.resolve() if path.is_symlink() else path, text)  # a link stays a link


def _with_chain(tickets: Mapping[str, str], method: str, number: int) -> dict[str, str]:
    """Return the tickets with another chain for `method`, where its first one stood, or at the end."""
    names = [f"{method}/r{n:02d}" for n in range(1, number + 1)]
    chain = dict(zip(names, [DENSE, *names], strict=False))
    entries: dict[str, str] = {}
    for name, parent in tickets.items():
        entries |= chain if method_of(name) == method else {name: parent}
    return entries | chain


def _with_entries(text: str, block: str, entries: Mapping[str, Any]) -> str:
    """Return the YAML text with these entries in a block; lines of entries that stay, and comments, stay."""
    lines, values = text.splitlines(), _yaml().load(text)
    old = values[block]
    if not old or old.fa.flow_style():
        raise TypeError(f"{block} in braces or empty")
    starts = [old.lc.key(name)[0] for name in old]
    end = _end(lines, values, starts[-1])
    kept: dict[str, list[str]] = {"": []}  # entry -> its lines; comments of one that goes stand below the one before
    above = ""
    for name, first, stop in zip(old, starts, [*starts[1:], end], strict=True):
        if name in entries and entries[name] == old[name]:
            kept[name], above = lines[first:stop], name
        else:
            kept[above] += [line for line in lines[first:stop] if line.lstrip().startswith("#")]
    indent = " " * old.lc.key(next(iter(old)))[1]
    new = {name: [indent + line for line in _dumped({name: value}).splitlines()] for name, value in entries.items()}
    body = [line for name in ["", *entries] for line in kept.get(name) or new.get(name, [])]
    return "\n".join([*lines[: starts[0]], *body, *lines[end:]]) + "\n"


def _end(lines: Sequence[str], values: Any, last: int) -> int:
    """Return the line after a block whose last entry begins in the line `last`; comments on the next are not in it."""
    end = min((line for key in values if (line := values.lc.key(key)[0]) > last), default=len(lines))
    while not lines[end - 1].strip() or lines[end - 1].startswith("#"):
        end -= 1
    return end


def _merge(values: Any, delta: Mapping[str, Any]) -> None:
    """Set the values of `delta` in place, where comments stay; `_with_entries` adds and removes entries."""
    for key, value in delta.items():
        if not isinstance(value, dict) or not isinstance(values.get(key), dict):
            values[key] = _in_one_line(value) if isinstance(value, list) else value
        elif key in REPLACED:
            known = {name: entry for name, entry in value.items() if _same_kind(entry, values[key].get(name, ...))}
            _merge(values[key], known)
        else:
            _merge(values[key], value)


def _same_kind(one: Any, other: Any) -> bool:
    return other is not ... and isinstance(one, dict) == isinstance(other, dict)


def _in_one_line(values: list[Any]) -> CommentedSeq:
    """Return a list that is written in brackets."""
    found = CommentedSeq(values)
    found.fa.set_flow_style()
    return found


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
