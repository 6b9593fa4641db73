"""The chains of tickets in params.yaml, written round by round."""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from uticket.base.errors import InputError
from uticket.config.params import DENSE, read_params


def write_chains(path: Path, number: int, methods: Sequence[str]) -> None:
    """Give each of `methods` the chain r01 <- dense, r02 <- r01, ... of `number` tickets.

    Only the lines of these chains change, so that comments and layout stay. Raises InputError, and writes nothing, if
    the file is wrong or has no such method, or if a ticket of another chain would lose its parent.
    """
    known = read_params(path).tickets
    for method in methods:
        if method not in known:
            raise InputError(f"--methods: expected methods of {path} ({', '.join(known)}), came {method!r}")
    path = path.resolve()  # a link stays a link
    part = path.with_name(f".{path.name}.part")
    try:
        text = path.read_text()
        for method in methods:
            text = _with_chain(text, method, number)
        part.write_text(text)
        read_params(part)
        part.replace(path)
    except InputError as error:
        raise InputError(error.message.replace(str(part), str(path))) from None
    except (YAMLError, KeyError, AttributeError) as error:
        reason = "each ticket on a line of its own, under the line of its method"
        raise InputError(f"{path}: tickets: expected {reason}, came another layout ({type(error).__name__})") from None
    except OSError as error:
        raise InputError(f"{path}: expected a file to write to, came: {error.strerror}") from None
    finally:
        with suppress(OSError):
            part.unlink()


def _with_chain(text: str, method: str, number: int) -> str:
    """Return the YAML text with another chain for `method`; lines of tickets that stay are kept as they are."""
    lines = text.splitlines()
    tickets: Any = YAML().load(text)["tickets"]
    chain = tickets[method]
    first, indent = tickets.lc.key(method)
    names = [f"r{n:02d}" for n in range(1, number + 1)]
    parents = dict(zip(names, [DENSE, *(f"{method}/{name}" for name in names)], strict=False))
    if not chain or chain.fa.flow_style():  # {r01: dense, ...} on the method's own line
        lines[first] = re.sub(r"\s*\{.*?\}", "", lines[first], count=1)
        old = {}
    else:
        old = {chain.lc.key(name)[0]: name for name in chain}
        indent = chain.lc.key(next(iter(chain)))[1] - 2
    last = max(old, default=first)
    kept = []
    for line in range(first + 1, last + 1):
        name = old.get(line)
        if name is None or (name in parents and chain[name] == parents[name]):
            kept.append(lines[line])
            parents.pop(str(name), None)
    added = [f"{' ' * (indent + 2)}{name}: {parent}" for name, parent in parents.items()]
    return "\n".join([*lines[: first + 1], *kept, *added, *lines[last + 1 :]]) + "\n"
