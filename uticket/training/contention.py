"""Threads that wait without spinning while other processes want the processors.

Between two parallel loops OpenMP's threads spin for milliseconds. That is fastest on a quiet machine; beside another
busy process they spin in the time that the other threads need, and training is several times slower. OpenMP reads its
waiting policy once, when it is loaded. But GNU's counts its threads, and lets them spin only for a moment while there
are more of them than processors: so a second group of threads, which does nothing, exists as long as ours have to wait
for a processor. No number changes by it. Source: `do_spin` of libgomp.
"""

import threading
import time
from contextlib import suppress
from pathlib import Path

import torch

SECONDS_BETWEEN_LOOKS = 0.2
# Share of the time that our threads wait for a processor, in processors: spinning ends above the one, begins below
# the other.
CROWDED, QUIET = 0.1, 0.02
ENOUGH_FOR_THREADS = 2**17  # numbers of an operation that PyTorch shares out among threads
TASKS = Path("/proc/self/task")  # Linux, where GNU's OpenMP is used


def watch_for_others() -> None:
    """From now on, have OpenMP's threads spin only while no other process wants their processors.

    Where Linux does not say how long threads wait for a processor, or with one thread, nothing is done.
    """
    if torch.get_num_threads() > 1 and _seconds_waited() and not _Watch.is_on:
        _Watch.is_on = True
        threading.Thread(target=_watch, daemon=True).start()


class _Watch:
    is_on = False


class _IdleThreads:
    """A second group of OpenMP threads, of a thread of its own, which lasts as long as that."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.owner = threading.Thread(target=self._exist, daemon=True)
        self.owner.start()

    def _exist(self) -> None:
        torch.ones(ENOUGH_FOR_THREADS).add_(1)  # starts the threads
        self.is_over.wait()

    def end(self) -> None:
        """Let the threads end."""
        self.is_over.set()
        self.owner.join()


def _watch() -> None:
    idle: _IdleThreads | None = None
    waited, at = _seconds_waited(), time.monotonic()
    while True:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        before, since = waited, at
        waited, at = _seconds_waited(), time.monotonic()
        share = sum(waited[task] - before[task] for task in waited.keys() & before.keys()) / (at - since)
        if idle is None and share > CROWDED:
            idle = _IdleThreads()
        elif idle is not None and share < QUIET:
            idle.end()
            idle = None


def _seconds_waited() -> dict[str, float]:
    """Return how long each of this process's threads could have run but had no processor; empty where nobody says."""
    waited = {}
    with suppress(OSError, ValueError, IndexError):
        for task in TASKS.iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                waited[task.name] = int((task / "schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    return waited
