"""The working folder of a job: a clone of the project with the params of the job."""

from pathlib import Path

from uticket.base.errors import InputError, listed
from uticket.base.files import read_text
from uticket.cluster.jobs import Job
from uticket.config.lineage import DENSE
from uticket.project.clone import PARAMS, Project, changed_files, clone_project, find_project, params_text


def committed_project(folder: Path) -> Project:
    """Return the project of a folder. Raises InputError if it is in no repository, or holds changes not committed."""
    project = find_project(folder)
    changed = changed_files(project, untracked="no")
    if changed:
        names = listed(changed)
        raise InputError(f"{project.top}: expected everything committed, as jobs run in clones, got changes of {names}")
    return project


def params_of(job: Job, presets: list[str], project: Project) -> str:
    """Return the text of a job's params.yaml. Raises InputError if it would be wrong."""
    try:
        text = read_text(project.folder / PARAMS)
        return params_text(project, text, job.seed, presets, [] if job.method == DENSE else [job.method])
    except InputError as error:
        raise InputError(f"{job.name}: {error}") from None


def make_clone(job: Job, text: str, project: Project) -> None:
    """Clone the project for a job, with `text` as params.yaml; a clone that is there stays.

    Raises InputError if it is there with other params.
    """
    if not job.clone.exists():
        clone_project(project, job.clone, text, job.store, job.branch)
    elif read_text(job.clone / project.prefix / PARAMS) != text:
        raise InputError(f"{job.clone}: expected the params of this search, got others; give it another folder")
