"""Processes that start at once: forked from one that has imported PyTorch already, and has done nothing else."""

import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.training.preloaded"])


def start(work: Callable[..., None], *args: Any, log: Path, **environment: str) -> Any:
    """Start `work(*args)` in a process of its own; what it writes to standard error goes to the file `log`."""
    process = CONTEXT.Process(target=_work, args=(work, args, log, environment))
    process.start()
    return process


def wait(process: Any) -> int:
    """Return the exit status; -9 is that of a process that was killed."""
    process.join()
    return process.exitcode


def _work(work: Callable[..., None], args: tuple[Any, ...], log: Path, environment: dict[str, str]) -> None:
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), sys.stderr.fileno())
    os.environ.update(environment)
    work(*args)
