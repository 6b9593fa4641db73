"""Independent pieces of work on all processors, with the results in the order of the work."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_this_thread = threading.local()


def num_threads() -> int:
    """Return how many threads work: `OMP_NUM_THREADS`, as for PyTorch, or as many as this process may use processors.

    It is 1 in a thread that is one of several already, so that there are never more of them.
    """
    if getattr(_this_thread, "is_one_of_several", False):
        return 1
    with suppress(ValueError):
        return max(int(os.environ.get("OMP_NUM_THREADS", "")), 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Return the results of `work` in the order of `items`.

    It pays if `work` leaves the interpreter, as compiled code with `nogil` does. What `work` raises is raised here.
    """
    items = list(items)
    threads = min(num_threads(), len(items))
    if threads < 2:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads, initializer=_become_one_of_several) as pool:
        yield from pool.map(work, items)


def _become_one_of_several() -> None:
    _this_thread.is_one_of_several = True
