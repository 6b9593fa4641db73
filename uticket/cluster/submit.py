"""Submit the jobs of a search, and say how far they are."""

import math
import subprocess
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, suppress
from io import StringIO
from typing import TYPE_CHECKING, Any

from uticket.base.errors import InputError, one_line
from uticket.base.progress import bar
from uticket.cluster.clone import make_clone, params_of
from uticket.cluster.jobs import Group, Job, groups_of
from uticket.cluster.run import SIGNAL_DELAY_S, Run
from uticket.config.search import Search
from uticket.project.clone import Project

if TYPE_CHECKING:
    from submitit import AutoExecutor

SECONDS_BETWEEN_LOOKS = 1.0
NOT_SUBMITTED, STOPPED, DONE = "not submitted", "stopped", "done"


def submit(search: Search, project: Project) -> Iterator[str]:
    """Submit the jobs that are neither done nor in the queue, and yield a line for each job.

    Chains wait in the queue for their dense training; the local executor has no queue, so this function waits for it.
    Raises InputError before anything is submitted if the params of a job would be wrong.
    """
    groups = groups_of(search)
    if groups[0].dense.root.is_relative_to(project.top.resolve()):
        raise InputError(f"{search.folder}: expected a folder outside of the project, got one in {project.top}")
    texts = {job: params_of(job, search.presets[job.preset], project) for group in groups for job in group}
    _executor(search, groups[0].dense, None)  # whether there is one
    for job, text in bar(texts.items(), "making clones", "clones"):
        make_clone(job, text, project)
    states = states_of(search, groups)
    for group in groups:
        yield _submit_one(search, group.dense, project, states)
    for group in groups:
        if search.executor == "local" and not _wait_for(group.dense):
            yield f"{group.dense.name}: stopped, so its chains are not submitted; see {group.dense.log}"
            continue
        after = None if group.dense.done else group.dense.number
        for job in group.chains:
            yield _submit_one(search, job, project, states, after)


def states_of(search: Search, groups: list[Group]) -> dict[Job, str]:
    """Return the state of each job: `not submitted`, what the queue says of it, `stopped` or `done`."""
    in_queue = _queue() if search.executor == "slurm" else None
    states = {}
    for job in (job for group in groups for job in group):
        number = job.number
        if number is None or job.done:
            states[job] = DONE if job.done else NOT_SUBMITTED
        elif in_queue is None:
            states[job] = "running" if _runs_here(job) else STOPPED
        else:
            states[job] = in_queue.get(number, STOPPED)
    return states


def _submit_one(search: Search, job: Job, project: Project, states: dict[Job, str], after: str | None = None) -> str:
    """Submit a job, unless it is done or in the queue; return what was done. after: number of the job it waits for."""
    if states[job] not in (NOT_SUBMITTED, STOPPED):
        return f"{job.name}: {states[job]}"
    executor = _executor(search, job, after)
    try:
        with redirect_stderr(StringIO()):  # submitit prints what sbatch says, which the error says too
            number = str(executor.submit(Run(job, project.prefix, search.job.cpus)).job_id)
    except Exception as error:  # what sbatch says
        raise InputError(f"{job.name}: expected to be taken by sbatch, got: {one_line(error)}") from None
    job.note(number)
    return f"{job.name}: submitted as {number}"


def _executor(search: Search, job: Job, after: str | None) -> "AutoExecutor":
    """Return submitit's executor for a job. Raises InputError if submitit or SLURM is missing."""
    try:
        from submitit import AutoExecutor
    except ImportError:
        raise InputError("submitit: expected to be installed, got none; pip install submitit") from None
    asked = search.job
    options: dict[str, Any] = {"requeue": True, **asked.slurm}
    if after is not None:  # a chain whose dense training fails leaves the queue
        options |= {"dependency": f"afterok:{after}", "kill-on-invalid-dep": "yes"}
    try:
        times = {f"{name}_max_num_timeout": asked.requeues for name in ("slurm", "local")}
        executor = AutoExecutor(folder=job.logs, cluster=search.executor, **times)
    except RuntimeError:
        raise InputError("executor: expected SLURM on this machine, got no program srun") from None
    executor.update_parameters(
        name=job.name.replace("/", "-"),
        timeout_min=math.ceil(60 * asked.hours),
        gpus_per_node=asked.gpus or None,
        cpus_per_task=asked.cpus,
        mem_gb=asked.memory_gb,
        slurm_signal_delay_s=SIGNAL_DELAY_S,
        slurm_additional_parameters=options,
    )
    return executor


def _queue() -> dict[str, str]:
    """Return the state of each job of this user that SLURM has in its queue, by number."""
    try:
        command = ["squeue", "--me", "--noheader", "--format=%i %T"]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except OSError:
        raise InputError("executor: expected SLURM on this machine, got no program squeue") from None
    except subprocess.CalledProcessError as error:
        raise InputError(f"squeue: expected the jobs in the queue, got: {' '.join(error.stderr.split())}") from None
    return {number: state.lower() for number, _, state in (line.partition(" ") for line in lines)}


def _wait_for(job: Job) -> bool:
    """Wait until a job of the local executor has ended; return whether it is done."""
    while _runs_here(job):
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return job.done


def _runs_here(job: Job) -> bool:
    """Return whether the process that controls a job of the local executor runs."""
    import psutil

    with suppress(psutil.Error):
        process = psutil.Process(int(job.number or 0))
        return process.status() != psutil.STATUS_ZOMBIE and str(job.logs) in process.cmdline()
    return False
