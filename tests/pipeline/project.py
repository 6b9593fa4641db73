"""A Git and DVC repository that tests run the pipeline in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

WRITTEN = ("plans/", "tickets/", "mapping/", "simulation/", "quantization/", "report/", "dvc.lock")


class Project:
    """A copy of the working tree as a Git and DVC repository."""

    def __init__(self, folder: Path, site_cache: Path) -> None:
        self.folder = folder
        self.env = (
            os.environ
            | {
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "DVC_SITE_CACHE_DIR": str(site_cache),
                "GIT_CONFIG_GLOBAL": os.devnull,
                "OMP_NUM_THREADS": "1",
            }
            | {f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        )

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command in the project; return what it wrote to both streams."""
        result = subprocess.run(
            command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert result.returncode == code, result.stdout
        return result.stdout

    def dvc(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "dvc", *arguments)

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "-m", "results")

    def metrics(self) -> dict:
        return json.loads((self.folder / "report" / "metrics.json").read_text())

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / f"{name}.csv")
