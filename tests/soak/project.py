"""The smoke pipeline in a folder of its own: run once undisturbed, then copied to be disturbed."""

import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tests.helpers import ROOT, copy_of_tree
from tests.pipeline.project import WRITTEN, Project
from uticket.base.errors import InputError
from uticket.base.files import read_json, write_json
from uticket.config.rounds import apply_presets, set_value

LEFT_OUT = (*WRITTEN, ".ci", "benchmarks/", "docs/", "experiments/", "tests/")
NOT_COMPARED = {".dvc", ".git", "__pycache__"}  # folders of others
DIFFERS = {"cost.json"}  # times that were measured
KEPT_LOCK = Path(".uticket") / "lock"  # which copy of dvc.lock is the last one depends on the last stage that began
DVC_LOCK = "dvc.lock"

Files = dict[str, str]  # digest by name


@dataclass(frozen=True)
class Smoke:
    """Where the undisturbed project is, and where its copies go."""

    root: Path

    @property
    def undisturbed(self) -> Path:
        """The project after one whole run."""
        return self.root / "undisturbed"

    @property
    def env(self) -> dict[str, str]:
        """The environment of all commands: one thread each, since the machine may have other work."""
        env = Project(self.root, self.root / "site").env | {"TMPDIR": str(self.root / "tmp")}
        env |= {"DVC_NO_ANALYTICS": "1", "PYTHONDONTWRITEBYTECODE": "", "OMP_WAIT_POLICY": "passive"}
        env.pop("PYTHONPATH", None)  # the code of the copy runs
        return env

    def project(self, folder: Path) -> Project:
        """Return the project in a folder, with this environment."""
        project = Project(folder, self.root / "site")
        project.env = self.env
        return project

    def make(self) -> None:
        """Run the smoke pipeline undisturbed, if that was not done before.

        Raises InputError if it was done with other code: its log says nothing about the code as it is.
        """
        (self.root / "tmp").mkdir(parents=True, exist_ok=True)
        done, code = self.root / "undisturbed.json", code_digest()
        if done.exists():
            if read_json(done)["code"] != code:
                raise InputError(f"{self.root}: expected a soak of the code as it is, got one of other code; remove it")
            return
        shutil.rmtree(self.undisturbed, ignore_errors=True)
        copy_of_tree(self.undisturbed, leave_out=LEFT_OUT)
        params = self.undisturbed / "params.yaml"
        apply_presets(params, [ROOT / "presets" / "smoke.yaml"])
        set_value(params, "train", "device", "cpu")
        set_value(params, "train", "save_minutes", 0.02)
        project, began = self.project(self.undisturbed), time.monotonic()
        project.run("git", "init", "-q", "-b", "main")
        project.dvc("repro")
        write_json(done, {"seconds": time.monotonic() - began, "code": code})

    def seconds(self) -> float:
        """Return how long the undisturbed run took."""
        return float(read_json(self.root / "undisturbed.json")["seconds"])

    def copy(self, name: str) -> Path:
        """Return a fresh copy of the undisturbed project."""
        folder = self.root / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.undisturbed, folder, symlinks=True)
        return folder


def code_digest() -> str:
    """Return a digest of all that a run depends on."""
    paths = [ROOT / "dvc.yaml", ROOT / "params.yaml", ROOT / "presets" / "smoke.yaml"]
    paths += sorted([*(ROOT / "uticket").rglob("*.py"), *(ROOT / "stages").glob("*.py")])
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def without_results(folder: Path) -> None:
    """Remove what the pipeline wrote, and what DVC remembers of it."""
    for name in (*WRITTEN, "data/prepared", ".dvc/cache", ".uticket"):
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def files_of(folder: Path) -> Files:
    """Return the digest of each file that a run may write, by its path."""
    found = {}
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in NOT_COMPARED]
        here = Path(path).relative_to(folder)
        if here != KEPT_LOCK:
            for name in set(names) - DIFFERS:
                found[(here / name).as_posix()] = hashlib.sha256((folder / here / name).read_bytes()).hexdigest()
    return found
