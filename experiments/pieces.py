"""Programs that run one after another within a limit of time, and go on where an earlier call stopped.

A folder keeps what is known of each piece (pieces.json) and all that the pieces print (log.txt). A piece that is
stopped runs again in the next call; a training then resumes from the state that it saved on SIGTERM.
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from uticket.base.errors import InputError
from uticket.base.files import read_json, write_json

SECONDS_TO_STOP = 20.0  # in which a training saves its state
SECONDS_BETWEEN_LOOKS = 1.0
TAIL = 2000  # characters
PR_SET_PDEATHSIG = 1  # prctl(2), of Linux


@dataclass(frozen=True)
class Piece:
    """A Python program. Two pieces of one folder have different names."""

    name: str
    arguments: tuple[str, ...]  # of Python
    minutes: float  # over all calls; one that needs longer has failed
    needs: tuple[str, ...] = ()  # pieces that must have passed
    result: str | None = None  # name of the file in the folder that gets its standard output


@dataclass
class Outcome:
    """What is known of a piece."""

    status: str = "unfinished"  # passed | failed | skipped | unfinished
    seconds: float = 0.0  # over all calls
    calls: int = 0  # in which it ran
    tail: str = ""  # last lines of one that failed, or that was stopped


class Pieces:
    """The pieces of a folder. root: where they run. Raises InputError if another call is running them."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root = folder, root
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("a+")  # pieces inherit it: what a killed call left running has it too
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{folder}: expected no other call in this folder, got one that still runs") from None
        known = read_json(self._path) if self._path.exists() else {}
        self.outcomes = {name: Outcome(**values) for name, values in known.items()}

    @property
    def seconds(self) -> float:
        """Of all pieces in all calls."""
        return sum(outcome.seconds for outcome in self.outcomes.values())

    def run(self, pieces: Sequence[Piece], seconds: float) -> bool:
        """Run the pieces that have no outcome yet; return whether all have one within this time."""
        until = time.monotonic() + seconds
        for piece in pieces:
            outcome = self.outcomes.setdefault(piece.name, Outcome())
            if outcome.status != "unfinished":
                continue
            if any(self.outcomes[name].status != "passed" for name in piece.needs):
                outcome.status = "skipped"
            elif time.monotonic() < until:
                self._run(piece, outcome, until)
            self._write()
            if outcome.status == "unfinished":
                return False
        return True

    def forget_failures(self) -> None:
        """Let pieces that failed, and those that were skipped for it, run again."""
        self.outcomes = {name: o for name, o in self.outcomes.items() if o.status not in ("failed", "skipped")}

    def _run(self, piece: Piece, outcome: Outcome, until: float) -> None:
        outcome.calls += 1
        before, began = outcome.seconds, time.monotonic()
        with (self.folder / "log.txt").open("a+", encoding="utf-8", errors="replace") as log:
            print(
                f"== {time.strftime('%H:%M:%S')} {piece.name}: python {' '.join(piece.arguments)}", file=log, flush=True
            )
            where = log.tell()
            process = self._start(piece, log)
            try:
                limit = began + 60 * piece.minutes - before
                while process.poll() is None and time.monotonic() < min(limit, until):
                    time.sleep(min(SECONDS_BETWEEN_LOOKS, max(0.0, min(limit, until) - time.monotonic())))
                    outcome.seconds = before + time.monotonic() - began
                    self._write()  # a call that is killed leaves its time
                finished = process.poll() is not None
            finally:
                stop(process)
            outcome.seconds = before + time.monotonic() - began
            log.seek(where)
            outcome.tail = log.read()[-TAIL:]
        if finished:
            outcome.status = "failed" if process.returncode else "passed"
        elif time.monotonic() >= limit:
            outcome.status, outcome.tail = "failed", f"{outcome.tail}\nlonger than {piece.minutes:g} minutes"
        if outcome.status == "passed":
            outcome.tail = ""

    def _start(self, piece: Piece, log: Any) -> "subprocess.Popen[bytes]":
        command = [sys.executable, *piece.arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DVC")}
        paths = [str(self.root), *filter(None, [environment.get("PYTHONPATH")])]
        out = log if piece.result is None else (self.folder / piece.result).open("wb")
        try:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment | {"PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                pass_fds=[self._lock.fileno()],
                preexec_fn=_end_with_parent,
            )
        finally:
            if out is not log:
                out.close()

    @property
    def _path(self) -> Path:
        return self.folder / "pieces.json"

    def _write(self) -> None:
        write_json(self._path, {name: asdict(outcome) for name, outcome in self.outcomes.items()})


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask a process to stop, and end it if it does not."""
    process.terminate()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_with_parent() -> None:
    """Let the process be asked to stop once the one that started it has ended, even by SIGKILL; on Linux."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
