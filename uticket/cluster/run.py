"""What a job does on its node."""

import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from uticket.base.files import is_file, write_text
from uticket.cluster.jobs import Job
from uticket.config.lineage import DENSE
from uticket.project.clone import LOCK
from uticket.project.dvc import start_dvc, stop_dvc
from uticket.project.programs import succeed

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

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
            stop_dvc(self._dvc_runs.pid)
        return DelayedSubmission(Run(self.job, self.prefix, self.threads))

    def _dvc(self, folder: Path, *arguments: str) -> None:
        """Run dvc. Raises RuntimeError if it fails."""
        threads = {"OMP_NUM_THREADS": str(self.threads)}
        self._dvc_runs = start_dvc(folder, *arguments, variables=threads, preexec_fn=_ignore_warnings)
        code = self._dvc_runs.wait()
        self._dvc_runs = None
        if code != 0:
            raise RuntimeError(f"dvc {' '.join(arguments)} ended with {code}; see above")


def _ignore_warnings() -> None:
    """Ignore warnings of the time limit: SLURM sends them to all processes of a job, which they would end."""
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
