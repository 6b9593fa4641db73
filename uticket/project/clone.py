"""A clone of a project, in which its stages run with other params."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from ruamel.yaml import YAML

from uticket.base.errors import InputError, one_line
from uticket.base.files import read_text, write_text
from uticket.config.params import read_params
from uticket.config.paths import DOWNLOADS
from uticket.config.rounds import apply_presets, keep_chains
from uticket.project.presets import preset_files
from uticket.project.programs import run, succeed

PARAMS = "params.yaml"
LOCK = "dvc.lock"
# what stages write
RESULTS = ("plans", "tickets", "mapping", "simulation", "quantization", "report")
OF_FOLDERS = ("folder", "events_folder")  # data sets that lie in data.path, which Git ignores


@dataclass(frozen=True)
class Project:
    """The project of which there are clones.

    top: of its repository. prefix: its folder below that, '' if it is the top.
    """

    top: Path
    prefix: str

    @property
    def folder(self) -> Path:
        """The folder with params.yaml."""
        return self.top / self.prefix


def find_project(folder: Path) -> Project:
    """Return the project of a folder. Raises InputError if it has no params.yaml, or is in no repository."""
    read_params(folder / PARAMS)
    top = Path(succeed(folder, "git", "rev-parse", "--show-toplevel"))
    prefix = succeed(folder, "git", "rev-parse", "--show-prefix")
    succeed(folder, "git", "rev-parse", "--verify", "HEAD")
    return Project(top, prefix)


def changed_files(project: Project, untracked: Literal["no", "all"]) -> list[str]:
    """Return the files that are not as in the last commit, relative to the top; untracked: whether those it lacks."""
    options = ["--porcelain", "-z", "--no-renames", f"--untracked-files={untracked}"]
    entries = succeed(project.top, "git", "--no-optional-locks", "status", *options).split("\0")
    return [entry.strip().partition(" ")[2].strip() for entry in entries if entry]


def params_text(
    project: Project, text: str, seed: int, presets: Sequence[str] = (), methods: Sequence[str] = ()
) -> str:
    """Return the text of a clone's params.yaml: `text` with presets merged, and with the seed.

    text: that of the project. methods: whose chains are kept; all of them if there are none. Raises InputError if the
    outcome would be wrong.
    """
    deltas = preset_files(presets)
    with TemporaryDirectory() as folder:
        path, own = Path(folder) / PARAMS, Path(folder) / "own.yaml"
        write_text(path, text)
        try:
            apply_presets(path, deltas)
            data = read_params(path).data
            delta: dict[str, object] = {"seed": seed}
            if data.name in OF_FOLDERS:
                delta["data"] = {"path": str((project.folder / data.path).resolve())}
            YAML().dump(delta, own)
            apply_presets(path, [own])
            if methods:
                keep_chains(path, methods)
        except InputError as error:
            raise InputError(str(error).replace(f"{folder}/", "")) from None
        return read_text(path)


def clone_project(
    project: Project, clone: Path, text: str, store: Path, branch: str | None = None, with_results: bool = False
) -> None:
    """Clone the last commit of a project.

    clone: a new folder. text: of params.yaml. store: the DVC cache that it uses. branch: a new one, on which it may
    commit. with_results: whether with those of the project, where they are of nearly the same params.
    Raises InputError if the folder cannot be written.
    """
    part = clone.with_name(f"{clone.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of a command that was killed
        part.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{part}: expected a folder to write to, got: {one_line(error)}") from None
    succeed(project.top, "git", "clone", "--quiet", str(project.top), str(part))
    if branch is not None:
        succeed(part, "git", "checkout", "--quiet", "-b", branch)
        for key in ("user.name", "user.email"):  # a node may have no Git settings
            own = succeed(project.top, "git", "config", "--default", "uticket", key)
            succeed(part, "git", "config", key, own)
    folder = part / project.prefix
    if not with_results:
        for name in RESULTS:
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / LOCK).unlink(missing_ok=True)
    set_up_clone(project, part, text, store)
    if with_results:
        run(folder, sys.executable, "-m", "dvc", "checkout")  # what the cache has; stages make the rest
    part.rename(clone)


def update_clone(project: Project, clone: Path, commit: str) -> None:
    """Bring a clone to another commit of the project; its own results and params stay.

    Raises InputError if it is no repository.
    """
    # In a folder without one, Git would take the project's own, which is above it.
    if succeed(clone, "git", "rev-parse", "--show-toplevel") != str(clone.resolve()):
        raise InputError(f"{clone}: expected a clone of the project, got another folder; remove it and run again")
    own = [f":(exclude){project.prefix}{name}" for name in (*RESULTS, LOCK, PARAMS)]
    succeed(clone, "git", "fetch", "--quiet", str(project.top), commit)
    succeed(clone, "git", "reset", "--quiet", commit)  # of the index only
    succeed(clone, "git", "checkout", "--quiet", "--", ".", *own)
    # Files that the commit no longer has would be found in folders on which stages depend.
    succeed(clone, "git", "clean", "--quiet", "--force", "-d", "--", ".", *own)


def set_up_clone(project: Project, clone: Path, text: str, store: Path) -> None:
    """Give a clone its params.yaml, its DVC cache, and links to what Git ignores and stages read."""
    folder = clone / project.prefix
    write_text(folder / PARAMS, text)
    _use_store(folder, store)
    _link_data(clone, folder, project)


def _use_store(folder: Path, store: Path) -> None:
    """Make the store the cache of a clone, in settings that Git ignores.

    And DVC leaves no process there that looks for new versions, which would hold open files of a run.
    """
    from dvc.config import Config  # imported here: takes a second

    with Config(str(folder / ".dvc")).edit("local") as config:
        config["cache"]["dir"] = str(store)
        config["core"] |= {"analytics": False, "check_update": False}


def _link_data(clone: Path, folder: Path, project: Project) -> None:
    """Link downloads, and the network from which chains start."""
    names = [name for name in (str(DOWNLOADS), read_params(folder / PARAMS).dense.checkpoint) if name]
    for name in names:
        source, link = project.folder / name, folder / name
        if source.exists() and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source)
    exclude = clone / ".git" / "info" / "exclude"  # .gitignore has folders only, and a link is none
    write_text(exclude, "".join(f"/{project.prefix}{name}\n" for name in names))
