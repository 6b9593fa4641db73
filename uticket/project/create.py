"""`uticket init`: write a project that runs with the installed package, and let Git and DVC track it."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from uticket.base.errors import InputError
from uticket.base.files import write_text
from uticket.config.rounds import apply_presets
from uticket.hardware.chip import DEFAULT_CHIP
from uticket.project.presets import TEMPLATE, preset_files
from uticket.project.programs import run, succeed
from uticket.project.stages import own_stages

README = "README.md"
LINES = {".dvcignore": "dvcignore", ".gitignore": "gitignore"}  # file of a project -> that of the template
CHIPS_OF_PACKAGE = "uticket/hardware/chips/"  # as the repository's params.yaml names them


def create_project(folder: Path, presets: Sequence[str] = ()) -> list[str]:
    """Write a project into a folder, which is made if needed; initialize Git and DVC there if they are not.

    Returns what was done, line by line. A README stays as it is, and ignore files get the lines that they lack; if any
    other file of the project exists, or a preset is unknown, raises InputError before anything is written.
    """
    deltas, files = preset_files(presets), project_files()
    for name in files:
        if name != README and os.path.lexists(folder / name):
            raise InputError(f"{folder / name}: expected no such file, got one; uticket init replaces none")
    kept = os.path.lexists(folder / README)
    done = [_init_git(folder), _init_dvc(folder)]
    for name, text in files.items():
        if not (name == README and kept):
            write_text(folder / name, text)
    for name, template in LINES.items():
        _add_lines(folder / name, _template(template))
    apply_presets(folder / "params.yaml", deltas)
    written = "params.yaml, dvc.yaml, chips" + (f"; {README} is kept as it was" if kept else f", {README}")
    return [*done, f"uticket: {folder} has {written}"]


def project_files() -> dict[str, str]:
    """Return the text of each file of a project, by its path; ignore files are apart."""
    files = {
        "params.yaml": _template("params.yaml").replace(CHIPS_OF_PACKAGE, "chips/"),
        "dvc.yaml": own_stages(_template("stages.yaml")),
        README: _template(README),
        "data/images/README.md": _template("images.md"),
        "data/events/README.md": _template("events.md"),
        "checkpoints/README.md": _template("checkpoints.md"),
        "seeds/README.md": _template("seeds.md"),
        "networks/README.md": _template("networks/README.md"),
        "networks/example.py": _template("networks/example.py"),
    }
    files |= {f"chips/{path.name}": _read(path) for path in sorted(DEFAULT_CHIP.parent.glob("*.yaml"))}
    return files | {f".dvc/plots/{path.name}": _read(path) for path in sorted((TEMPLATE / "plots").glob("*.json"))}


def _template(name: str) -> str:
    return _read(TEMPLATE / name)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _init_git(folder: Path) -> str:
    """Initialize Git in a folder that is in no repository."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: expected a folder to write to, got: {error.strerror}") from None
    found = run(folder, "git", "rev-parse", "--show-toplevel")
    if found.returncode == 0:
        return f"git: {folder} is in the repository {found.stdout.strip()}"
    succeed(folder, "git", "init", "--quiet")
    return f"git: initialized in {folder}"


def _init_dvc(folder: Path) -> str:
    """Initialize DVC in a folder of a Git repository, whether it is its top or below it."""
    if (folder / ".dvc").is_dir():
        return f"dvc: {folder} is a project of DVC already"
    succeed(folder, sys.executable, "-m", "dvc", "init", "--subdir")
    return f"dvc: initialized in {folder}"


def _add_lines(path: Path, text: str) -> None:
    """Add the lines that a file lacks at its end."""
    old = _read(path) if path.exists() else ""
    missing = [line for line in text.splitlines() if line not in old.splitlines()]
    if missing:
        write_text(path, "\n".join([*old.splitlines(), *missing]) + "\n")
