"""Loops compiled by numba, and a line on standard error where one has to wait for that."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core import event
from numba.core.dispatcher import Dispatcher

from uticket.base.progress import log

ONCE = "compiling loops for this processor, once: some seconds"
ALWAYS = "compiling loops, as every process does where no cache can be written: NUMBA_CACHE_DIR names a folder for it"


Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function, for each set of types with which it is called; threads run it at the same time (`nogil`).

    The code is kept for later processes: in NUMBA_CACHE_DIR, beside the source, or in the user's folder of caches,
    whichever can be written to first; if none can, every process compiles. It is compiled anew when the source of the
    function changes, or of a compiled one that its file imports. `uticket compile` calls all of them once.
    """
    try:
        loop = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # nowhere to keep it
        return cast(Function, numba.njit(nogil=True)(function))
    _depend_on_imported(loop)
    return cast(Function, loop)


def _depend_on_imported(loop: Any) -> None:
    """Stamp the code that is kept with the sources of imported loops too; numba does so with its own file only."""
    loops: list[Any] = [value for value in loop.py_func.__globals__.values() if isinstance(value, Dispatcher)]
    kept = [value._cache._cache_file for value in loops if value.stats.cache_path]
    own = loop._cache._cache_file
    own._source_stamp = own._source_stamp, sorted({str(file._source_stamp) for file in kept})


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
