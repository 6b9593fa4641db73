"""Loops compiled by numba, and a line on standard error where one has to wait for that."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

import numba
from numba.core import event
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.core.extending import _Intrinsic
from numba.core.runtime.nrt import rtsys

from uticket.base.errors import one_line
from uticket.base.progress import log

ONCE = "compiling loops for this processor, once: some seconds"
ALWAYS = "compiling loops, as every process does where no cache can be written: NUMBA_CACHE_DIR names a folder for it"


Function = TypeVar("Function", bound=Callable[..., Any])


def compiling(**options: Any) -> Callable[[Function], Function]:
    """Return a decorator that compiles a function, for each set of types with which it is called.

    options: those of `numba.njit`, except `cache`. The code is kept for later processes: in NUMBA_CACHE_DIR, beside the
    source, or in the user's folder of caches, whichever can be written to first; if none can, every process compiles.
    It is compiled anew when the source of the function changes, or of a compiled one or an intrinsic that its file
    imports.
    """

    def decorate(function: Function) -> Function:
        loop = numba.njit(**options)(function)
        with suppress(RuntimeError):  # nowhere to keep it
            loop._cache = _Cache(function)
            _depend_on_imported(loop)
        return cast(Function, loop)

    return decorate


def compiled(function: Function) -> Function:
    """Compile a function that threads run at the same time (`nogil`). `uticket compile` calls all of them once."""
    return compiling(nogil=True)(function)


class _Cache(FunctionCache):
    """Compiled code in files; what cannot be read or written, on a full disk, say, is compiled and not kept."""

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return the code that is kept, or None.

        numba would first import all that its compiler may need, 200 modules in each process; code that is kept needs
        the run time only. Whoever compiles after that imports the rest.
        """
        try:
            rtsys.initialize(target)
            return self._load_overload(signature, target)
        except Exception:  # a torn file raises errors of pickle, of what is pickled, and of the operating system
            with suppress(OSError):
                self.flush()  # or its index would be read again
            return None

    def save_overload(self, signature: Any, code: Any) -> None:
        """Keep code, if that can be done."""
        try:
            super().save_overload(signature, code)
        except OSError as error:
            log.warning("%s: expected a place to keep compiled loops in, got: %s", self.cache_path, one_line(error))


def _depend_on_imported(loop: Any) -> None:
    """Stamp the code that is kept with the sources of imported loops too; numba does so with its own file only."""
    beside = _beside(loop.py_func)
    loops: list[Any] = [value for value in beside if isinstance(value, Dispatcher) and value.stats.cache_path]
    stamps = {str(value._cache._cache_file._source_stamp) for value in loops}
    sources = {Path(value._defn.__code__.co_filename) for value in beside if isinstance(value, _Intrinsic)}
    stamps |= {str((source.stat().st_mtime, source.stat().st_size)) for source in sources}
    own = loop._cache._cache_file
    own._source_stamp = own._source_stamp, sorted(stamps)


def _beside(function: Any) -> list[Any]:
    """Return what a function's file has, imports, or reaches through modules of its package."""
    package = function.__module__.partition(".")[0]
    held = list(function.__globals__.values())
    modules = [value for value in held if isinstance(value, ModuleType) and value.__name__.startswith(f"{package}.")]
    return held + [value for module in modules for value in vars(module).values()]


class _SayOnce(event.Listener):
    """Logs that loops of this library are compiled, as a warning, so that it shows in notebooks too."""

    said = False

    def on_start(self, event: Any) -> None:
        loop = event.data["dispatcher"]
        if not self.said and loop.py_func.__module__.startswith("uticket."):
            self.said = True
            log.warning(ONCE if loop.stats.cache_path else ALWAYS)

    def on_end(self, event: Any) -> None:
        """Say nothing."""


event.register("numba:compile", _SayOnce())  # not sent where the cache has the code
