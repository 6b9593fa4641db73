"""What DVC knows of a project: its cache, what its stages read, whether its report is that of its params."""

import json
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from uticket.base.errors import InputError, listed, one_line
from uticket.base.files import is_file
from uticket.config.paths import REPORT, SEEDS
from uticket.config.schemas import BY_SEED
from uticket.project.clone import LOCK, PARAMS, RESULTS, Project, changed_files
from uticket.project.programs import run
from uticket.project.stages import VERSION_FILE

# Code that changes no number, so that stages do not depend on it, may still be new code that they import.
READ_BESIDES = ("dvc.yaml", "uticket", "stages")
OF_CLONES = (*RESULTS, LOCK, PARAMS, VERSION_FILE, SEEDS.folder.name)  # those of the project make no difference


def cache_of(project: Project) -> Path:
    """Return the folder of a project's DVC cache. Raises InputError if stages read what is not committed.

    Clones would lack that. Changes of params.yaml, of results and of what no stage reads do not matter.
    """
    from dvc.exceptions import DvcException  # imported here: takes a second
    from dvc.repo import Repo

    try:
        with Repo(str(project.folder)) as repo:
            cache, read = Path(repo.cache.local_cache_dir), {Path(dep.fs_path) for dep in repo.index.deps}
    except (DvcException, sqlite3.Error, OSError) as error:  # of SQLite where it cannot write its notes about files
        raise InputError(f"{project.folder}: expected a project of DVC, got: {one_line(error)}") from None
    read |= {project.folder / name for name in READ_BESIDES}
    own = [project.folder / name for name in OF_CLONES]
    changed = [project.top / name for name in changed_files(project, untracked="all")]
    lost = [path for path in changed if _below(path, read) and not _below(path, own)]
    if lost:
        names = listed(str(path.relative_to(project.top)) for path in lost)
        raise InputError(f"{names}: expected to be committed, as seeds run in clones of the last commit, got changes")
    return cache


def _below(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def has_report(project: Project) -> bool:
    """Return whether the tables in report/ are those of params.yaml and of the code, as DVC has it."""
    if not all(is_file(project.folder / REPORT.table(name)) for name in BY_SEED):
        return False
    said = run(project.folder, sys.executable, "-m", "dvc", "status", "--json")
    with suppress(ValueError):  # no JSON
        changes = [change for stage in json.loads(said.stdout).values() for change in stage]
        return said.returncode == 0 and all(_is_harmless(change) for change in changes)
    return False


def _is_harmless(change: Any) -> bool:
    """Return whether one line of `dvc status` leaves the tables as they are."""
    if isinstance(change, dict) and set(change) <= {"changed deps", "changed outs"}:
        return all(Path(path).is_relative_to(SEEDS.folder) for files in change.values() for path in files)
    return bool(change == "always changed")
