"""What a job does on its node."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from uticket.base.files import is_file, write_text
from uticket.cluster.clone import LOCK
from uticket.cluster.jobs import Job
from uticket.config.lineage import DENSE
from uticket.project.programs import succeed

if TYPE_CHECKING:
    import psutil
    from submitit.helpers import DelayedSubmission

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_SAVE = 60.0  # of a stage, before dvc is stopped too
SIGNAL_DELAY_S = 120  # before the time limit, in which the job saves its state and is queued again


class Run:
    """A job, as submitit calls it. prefix: the project's folder in the repository. threads: of each stage."""

    def __init__(self, job: Job, prefix: str, threads: int) -> None:
        self.job, self.prefix, self.threads = job, prefix, threads
        self._dvc_runs: subprocess.Popen[bytes] | None = None

    def __call__(self) -> None:
        """Run the stages that have not run yet, and commit the results."""
        folder = self.job.clone / self.prefix
        # Left by a dvc that was killed; its process numbers may mean other processes on this node.
        (folder / ".dvc/tmp/rwlock").unlink(missing_ok=True)
        if self.job.method != DENSE and not is_file(self.job.begun):
            self._take_dense(folder)
        self._dvc(folder, "repro", *([DENSE] if self.job.method == DENSE else []))
        succeed(folder, "git", "add", "--all", ".")
        if succeed(folder, "git", "status", "--porcelain", "--untracked-files=no"):
            succeed(folder, "git", "commit", "--quiet", "--message", f"Results of {self.job.name}")
        write_text(self.job.mark, "")

    def _take_dense(self, folder: Path) -> None:
        """Take the results of the dense training as if this clone had trained it.

        From Git and the store: DVC's cache of runs leaves out stages that have files of `cache: false`.
        """
        succeed(folder, "git", "fetch", "--quiet", str(self.job.dense.clone), self.job.dense.branch)
        succeed(folder, "git", "checkout", "FETCH_HEAD", "--", LOCK, f"tickets/{DENSE}")
        self._dvc(folder, "checkout", DENSE)
        write_text(self.job.begun, "")

    def checkpoint(self) -> "DelayedSubmission":
        """Have the stage save its state; return what the job does when it runs again. Called before a time limit."""
        from submitit.helpers import DelayedSubmission

        if self._dvc_runs is not None:
            stop(self._dvc_runs.pid)
        return DelayedSubmission(Run(self.job, self.prefix, self.threads))

    def _dvc(self, folder: Path, *arguments: str) -> None:
        """Run dvc. Raises RuntimeError if it fails."""
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        env = os.environ | {"PATH": programs, "OMP_NUM_THREADS": str(self.threads)}
        command = [sys.executable, "-m", "dvc", *arguments]
        self._dvc_runs = subprocess.Popen(command, cwd=folder, env=env, preexec_fn=_ignore_warnings)
        code = self._dvc_runs.wait()
        self._dvc_runs = None
        if code != 0:
            raise RuntimeError(f"dvc {' '.join(arguments)} ended with {code}; see above")


def _ignore_warnings() -> None:
    """Ignore warnings of the time limit: SLURM sends them to all processes of a job, which they would end."""
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)


def stop(dvc_number: int) -> None:
    """End a dvc by ending the stages that it runs: it then puts its files in order. Returns when all have ended.

    dvc_number: of its process.
    """
    import psutil

    dvc, told = psutil.Process(dvc_number), list["psutil.Process"]()
    deadline = time.monotonic() + SECONDS_TO_SAVE
    while any(_alive(process) for process in (dvc, *told)):
        with suppress(psutil.NoSuchProcess):
            new = [process for process in dvc.children(recursive=True) if process not in told]
            told += new
            for process in new:
                _end(process)
        if time.monotonic() > deadline:  # it copies files
            _end(dvc)
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _end(process: "psutil.Process") -> None:
    import psutil

    with suppress(psutil.NoSuchProcess):
        process.terminate()


def _alive(process: "psutil.Process") -> bool:
    """Return whether a process runs. One that has ended and is not waited for, as here in a handler, does not."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
