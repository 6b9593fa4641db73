"""A command that is to be killed, with all processes that it starts."""

import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import psutil

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LIMIT_S = 120.0  # a process that takes longer to end than this hangs: none takes more than seconds
ORPHANS_END_S = 20.0  # a stage looks for its dvc each second
LOOK_S = 0.002


def heed_signals() -> None:
    """Let signals end this process again: a soak that runs in the background, or under nohup, may ignore them."""
    for number in SIGNALS:
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)


class Victim(AbstractContextManager["Victim"]):
    """A command in a session of its own; what it prints goes to a file. Nothing of it is left when the block ends."""

    def __init__(self, command: Sequence[str], folder: Path, env: Mapping[str, str], printed: Path) -> None:
        self._printed, self._killed_at = printed, math.inf
        self.went_on = False  # it was sent a signal in a moment in which it did not matter
        self.hangs = False
        with printed.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                preexec_fn=heed_signals,
            )

    def __exit__(self, *_: object) -> None:
        self.destroy()

    def wait_for(self, seconds: float, happens: Callable[[], bool] | None = None) -> bool:
        """Wait for so long, or until something `happens`; return whether the command then still runs."""
        until = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < until:
            if happens is None:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(max(0.0, until - time.monotonic()))
            elif happens():
                break
            else:
                time.sleep(LOOK_S)
        return self._process.poll() is None

    def kill(self, number: signal.Signals, whom: str) -> str:
        """Send a signal to `group`, all of the session, to `first`, the command itself, or to the `stage` that it runs.

        Returns whom it was sent to: where no stage runs, all.
        """
        self._killed_at = time.time()
        chosen = [process for process in self.session() if self._is_stage(process)] if whom == "stage" else []
        with suppress(ProcessLookupError):
            for process in chosen:
                os.kill(process.pid, number)
            if whom == "first":
                os.kill(self._process.pid, number)
            elif not chosen:  # nothing is looked up first: what is being written would be whole by then
                os.killpg(self._process.pid, number)
                return "group"
        return whom

    def end(self, limit: float | None = None) -> int | None:
        """Wait for the end of the command; return its exit code.

        If it has not ended by then, all is killed, and the code is None: it went on, if it has begun something since
        it was sent a signal (dvc ignores SIGINT while a stage runs, and the stage may just have ended), or it hangs.
        """
        try:
            return self._process.wait(LIMIT_S if limit is None else limit)
        except subprocess.TimeoutExpired:
            self.went_on = any(process.create_time() > self._killed_at for process in self.session())
            self.hangs = not self.went_on
            self.destroy()
            return None

    def orphans(self) -> int:
        """Return how many processes outlive the command by more than they need to see that it ended; kill them."""
        until = time.monotonic() + ORPHANS_END_S
        while (left := self.session()) and time.monotonic() < until:
            time.sleep(0.05)
        if left:
            self.destroy()
        return len(left)

    def destroy(self) -> None:
        """Kill all that is left."""
        while left := self.session():
            for process in left:
                with suppress(psutil.Error):
                    process.kill()
            self._process.poll()
            time.sleep(0.05)
        self._process.wait()

    @property
    def failed(self) -> bool:
        """Whether it ended with an error of its own."""
        return bool(self._process.returncode) and self._killed_at == math.inf

    def printed(self) -> str:
        """Return what the command and its processes printed."""
        return self._printed.read_text(errors="replace")

    def session(self) -> list[psutil.Process]:
        """Return the processes of the session that run."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                if os.getsid(process.pid) == self._process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    @staticmethod
    def _is_stage(process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            return process.cmdline()[1:2] == ["-m"] and process.cmdline()[2].startswith("stages.")
        return False
