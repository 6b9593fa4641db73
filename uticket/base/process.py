"""What every command and stage does first, before it imports anything that takes a moment.

From then on a signal, a closed output, an error that nobody foresaw, or the end of the dvc process above it stops the
process with one line.
"""

import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from uticket.base.errors import shortened

STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_SIGNALS = 0.05
SECONDS_TO_STOP = 10.0  # between signals to a process that nobody waits for


class Stopped(SystemExit):
    """Raised in the main thread by a signal, so that what is half written is removed; its code is 128 + the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number
        self.line = f"stopped by {signal.Signals(number).name}"


class _Now:
    """What the process is about."""

    runs_command = False  # and not still importing it
    is_stopping = False


def begin() -> None:
    """Prepare this process, once, in the first lines of its program."""
    _open_missing_streams()
    _escape_what_output_lacks()
    _share_threads()
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # under nohup it stays ignored
            signal.signal(number, _stop)
    sys.excepthook = _report_defect
    sys.unraisablehook = _stop_again
    _watch_dvc()


def command_runs() -> None:
    """Say that imports are over: from here on signals raise `Stopped`."""
    _Now.runs_command = True


def say(line: str) -> None:
    """Print an error on one line; of several processes that train together on a machine only the first does."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        with suppress(OSError, ValueError, RuntimeError):  # RuntimeError: a signal interrupted another print
            print("Error:", " ".join(line.split()), file=sys.stderr, flush=True)


def output_fails() -> bool:
    """Return whether standard output cannot be written; what waits to be written is then given up."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes it once more at the end
        return True
    return False


def _stop(number: int, _: FrameType | None) -> None:
    stopped = Stopped(number)
    if _Now.runs_command and not _Now.is_stopping:
        _Now.is_stopping = True
        raise stopped
    say(stopped.line)
    os._exit(128 + number)  # nothing was begun, or it does not end


def _stop_again(lost: "sys.UnraisableHookArgs") -> None:
    """Send a signal again that arrived where errors go no further: in a callback of a compiler, or in __del__."""
    if isinstance(lost.exc_value, Stopped):
        _Now.is_stopping = False
        threading.Timer(SECONDS_BETWEEN_SIGNALS, os.kill, (os.getpid(), lost.exc_value.number)).start()
    else:
        sys.__unraisablehook__(lost)


def _escape_what_output_lacks() -> None:
    """Let standard output escape characters that its encoding lacks, such as a minus sign, as standard error does."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _open_missing_streams() -> None:
    """Open standard streams that the process was started without, so that no file gets their numbers.

    Writing to such an output fails, as it would to a full disk.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))


def _share_threads() -> None:
    """Let numba have as many threads as PyTorch, by whose number sums differ in their last digits.

    Both may use one pool, to which the first compiled loop would give numba's number.
    """
    if "OMP_NUM_THREADS" in os.environ:
        os.environ.setdefault("NUMBA_NUM_THREADS", os.environ["OMP_NUM_THREADS"])


def _report_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Write the traceback of an error that nobody foresaw to a file, and say so."""
    text = "".join(traceback.format_exception(kind, error, trace))
    found = shortened(f"{kind.__name__}: {error}", 200)
    try:
        handle, name = tempfile.mkstemp(prefix="uticket-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        with suppress(OSError):
            os.write(2, text.encode(errors="backslashreplace"))
        name = "the lines above"
    say(f"a defect of uticket, please report it: {found}; its traceback is in {name}")


def _watch_dvc() -> None:
    """If dvc started this process, stop it once dvc has ended, or at once if it has: nobody waits for its results."""
    if "DVC_ROOT" not in os.environ:
        return
    import psutil  # imported here: only where DVC runs a stage

    above = []
    with suppress(psutil.Error):
        for process in psutil.Process().parents():
            with suppress(psutil.Error):
                above.append((process, process.name(), process.cmdline()))
    dvc = next((process for process, _, words in above if any("dvc" in Path(word).name for word in words[:3])), None)
    if dvc is not None or _was_left([(process.pid, name) for process, name, _ in above]):
        threading.Thread(target=_watch, args=(dvc,), daemon=True).start()


def _was_left(above: list[tuple[int, str]]) -> bool:
    """Return whether what started this process has ended, so that the first process or systemd is above it.

    above: number and name of the processes above it, the nearest first; its shell may live longer than dvc. A program
    that runs DVC through its API is not named dvc, and may be the first process of a container.
    """
    number, name = next(((number, name) for number, name in above if not name.endswith("sh")), (0, ""))
    return name == "systemd" or (number == 1 and "python" not in name)


def _watch(dvc: Any) -> None:
    """dvc: psutil.Process, which knows the time of its start; None if it has ended."""
    while dvc is not None and dvc.is_running() and dvc.status() != "zombie":
        time.sleep(SECONDS_BETWEEN_LOOKS)
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(SECONDS_TO_STOP)
