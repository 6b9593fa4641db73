"""A project whose stages take no time, and its search.yaml."""

import os
import shutil
import subprocess
from pathlib import Path

from ruamel.yaml import YAML

from tests.helpers import PARAMS, ROOT

STAGES = """\
stages:
  dense:
    cmd: python pretend.py dense
    params: [seed, train.epochs]
    deps: [pretend.py]
    outs:
      - tickets/dense/weights.txt
      - tickets/dense/metrics.json: {cache: false}
  ticket:
    foreach: ${tickets}
    do:
      cmd: python pretend.py ${key}
      deps: [pretend.py, tickets/dense/weights.txt]
      outs: ["tickets/${key}/weights.txt"]
  report:
    cmd: python pretend.py report
    deps: [pretend.py, tickets]
    outs:
"""
TABLES = ("rounds", "layers", "models", "sweeps", "mappings", "quantized", "storage", "training")
PRESET = "tickets: {lth/r01: dense, uticket/r01: dense}\nbalance: {lth: null, uticket: {}}\n"
SEARCH = {
    "folder": "../../search",
    "seeds": [3],
    "presets": {"tiny": ["tiny"]},
    "methods": ["lth", "uticket"],
    "executor": "local",
    "job": {"gpus": 0, "cpus": 1},
}


def make_project(folder: Path) -> Path:
    """Write and commit the project; the repository's top is the folder above."""
    project = folder / "project"
    (project / ".dvc").mkdir(parents=True)
    (project / "presets").mkdir()
    (project / ".dvc/config").touch()
    (project / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (project / ".gitignore").write_text("weights.txt\n.uticket/\n__pycache__\n")
    (project / "presets/tiny.yaml").write_text(PRESET)
    (project / "dvc.yaml").write_text(STAGES + "".join(f"      - report/{n}.csv: {{cache: false}}\n" for n in TABLES))
    shutil.copy(PARAMS, project / "params.yaml")
    shutil.copy(ROOT / "tests/cluster/pretend.py", project / "pretend.py")
    write_search(project)
    git(folder, "init", "-q", "-b", "main")
    commit(project)
    return project


def write_search(project: Path, **changes: object) -> None:
    YAML().dump(SEARCH | changes, project / "search.yaml")


def commit(project: Path) -> None:
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "project")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env=os.environ).stdout
