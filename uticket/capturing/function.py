"""Networks that somebody's function returns, which is named MODULE:FUNCTION."""

import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from uticket.base.errors import InputError, one_line


def find_function(target: str, what: str) -> Callable[..., Any]:
    """Return what `target`, MODULE:FUNCTION, names. MODULE is looked for in the current folder too.

    what: begins the message of the InputError that is raised if there is no such function.
    """
    where, _, name = target.partition(":")
    if not where or not name:
        raise InputError(f"{what}: expected a module and a function, got no {'function' if where else 'module'}")
    folder = str(Path.cwd())
    if folder not in sys.path:  # the command `uticket` looks for modules beside itself only; it stays for later imports
        sys.path.insert(0, folder)
    try:
        module = import_module(where)
    except Exception as error:  # whatever the user's code raises
        raise InputError(f"{what}: expected a module {where}, got {_described(error, None)}") from error
    function: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(function):
        got = "nothing of this name" if function is None else type(function).__name__
        raise InputError(f"{what}: expected a function {name!r} in {where}, got {got}")
    return function


def call(function: Callable[..., Any], target: str, what: str, *given: Any) -> nn.Module:
    """Return the network that a function returns. target, what: as in `find_function`.

    Raises InputError, in one line, if it fails or does not return a module.
    """
    try:
        found = function(*given)
    except Exception as error:  # whatever the user's code raises
        file = getattr(sys.modules.get(function.__module__), "__file__", None)
        raise InputError(
            f"{what}: expected {target} to return a torch module, got {_described(error, file)}"
        ) from error
    if not isinstance(found, nn.Module):
        raise InputError(f"{what}: expected {target} to return a torch module, got {type(found).__name__}")
    return found


def _described(error: Exception, file: str | None) -> str:
    """Return an error of somebody's code in words, with the last line of `file` that it passed."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" in line {lines[-1]}" if lines else ""
    return f"{type(error).__name__}{where}: {one_line(error)}"
