"""The working folder of a job: a clone of the project with the params of the job."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ruamel.yaml import YAML

from uticket.base.errors import InputError, listed, one_line
from uticket.base.files import read_text, write_text
from uticket.cluster.jobs import Job
from uticket.config.lineage import DENSE
from uticket.config.params import read_params
from uticket.config.paths import DOWNLOADS
from uticket.config.rounds import apply_presets, keep_chains
from uticket.project.presets import preset_files
from uticket.project.programs import succeed

PARAMS = "params.yaml"
LOCK = "dvc.lock"
# what stages write: those of the project are of other params
RESULTS = ("plans", "tickets", "mapping", "simulation", "quantization", "report")
OF_FOLDERS = ("folder", "events_folder")  # data sets that lie in data.path, which Git ignores


@dataclass(frozen=True)
class Project:
    """The project of which jobs get clones.

    top: of its repository. prefix: its folder below that, '' if it is the top.
    """

    top: Path
    prefix: str

    @property
    def folder(self) -> Path:
        """The folder with params.yaml."""
        return self.top / self.prefix


def find_project(folder: Path) -> Project:
    """Return the project of a folder. Raises InputError if it is in no repository, or holds changes not committed."""
    read_params(folder / PARAMS)
    top = Path(succeed(folder, "git", "rev-parse", "--show-toplevel"))
    prefix = succeed(folder, "git", "rev-parse", "--show-prefix")
    succeed(folder, "git", "rev-parse", "--verify", "HEAD")
    changed = succeed(top, "git", "status", "--porcelain", "--untracked-files=no").splitlines()
    if changed:
        names = listed(line.strip().partition(" ")[2].strip() for line in changed)
        raise InputError(f"{top}: expected everything committed, as jobs run in clones, got changes of {names}")
    return Project(top, prefix)


def params_of(job: Job, presets: list[str], project: Project) -> str:
    """Return the text of a job's params.yaml. Raises InputError if it would be wrong."""
    deltas = preset_files(presets)
    with TemporaryDirectory() as folder:
        path, own = Path(folder) / PARAMS, Path(folder) / "job.yaml"
        shutil.copyfile(project.folder / PARAMS, path)
        try:
            apply_presets(path, deltas)
            data = read_params(path).data
            delta: dict[str, object] = {"seed": job.seed}
            if data.name in OF_FOLDERS:
                delta["data"] = {"path": str((project.folder / data.path).resolve())}
            YAML().dump(delta, own)
            apply_presets(path, [own])
            if job.method != DENSE:
                keep_chains(path, [job.method])
        except InputError as error:
            raise InputError(f"{job.name}: {str(error).replace(f'{folder}/', '')}") from None
        return read_text(path)


def make_clone(job: Job, text: str, project: Project) -> None:
    """Clone the project for a job, with `text` as params.yaml; a clone that is there stays.

    Raises InputError if it is there with other params.
    """
    if job.clone.exists():
        if read_text(job.clone / project.prefix / PARAMS) != text:
            raise InputError(f"{job.clone}: expected the params of this search, got others; give it another folder")
        return
    part = job.clone.with_name("clone.part")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of a command that was killed
        part.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{part}: expected a folder to write to, got: {one_line(error)}") from None
    succeed(project.top, "git", "clone", "--quiet", str(project.top), str(part))
    succeed(part, "git", "checkout", "--quiet", "-b", job.branch)
    for key in ("user.name", "user.email"):  # a node may have no Git settings
        own = succeed(project.top, "git", "config", "--default", "uticket", key)
        succeed(part, "git", "config", key, own)
    folder = part / project.prefix
    for name in RESULTS:
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / LOCK).unlink(missing_ok=True)
    write_text(folder / PARAMS, text)
    _use_store(folder, job.store)
    _link_data(part, folder, project)
    part.rename(job.clone)


def _use_store(folder: Path, store: Path) -> None:
    """Make the store the cache of a clone, in settings that Git ignores."""
    from dvc.config import Config  # imported here: takes a second

    with Config(str(folder / ".dvc")).edit("local") as config:
        config["cache"]["dir"] = str(store)


def _link_data(clone: Path, folder: Path, project: Project) -> None:
    """Link what Git ignores and stages read: downloads, and the network from which chains start."""
    names = [name for name in (str(DOWNLOADS), read_params(folder / PARAMS).dense.checkpoint) if name]
    for name in names:
        source, link = project.folder / name, folder / name
        if source.exists() and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source)
    exclude = clone / ".git" / "info" / "exclude"  # .gitignore has folders only, and a link is none
    write_text(exclude, "".join(f"/{project.prefix}{name}\n" for name in names))
