"""The wheel, built without a network and installed where the repository is out of reach: its projects run."""

import os
import re
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from tests.helpers import copy_of_tree

EVERYTHING = {"version", "data", "dense", "plan", "ticket@lth/r01", "map@lth", "simulate@lth", "quantize@lth", "report"}


class Installed:
    """An environment with the wheel, and a folder to work in; commands see nothing of the repository."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.environment, self.folder = folder / "environment", folder / "work"
        self.folder.mkdir()
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NUMBA", "GIT"))
        }
        self.env |= {"PATH": f"{self.environment / 'bin'}{os.pathsep}{self.env['PATH']}", "OMP_NUM_THREADS": "1"}
        self.env |= {
            "DVC_SITE_CACHE_DIR": str(folder / "site"),
            "DVC_NO_ANALYTICS": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        people = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
        self.env |= dict.fromkeys(people, "test@example.org")
        self.run(sys.executable, "-m", "venv", "--without-pip", str(self.environment))
        (self.packages,) = self.environment.glob("lib/*/site-packages")
        (self.packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))  # not the editable package
        pip = (sys.executable, "-m", "pip", "--python", str(self.environment / "bin" / "python"))
        self.run(*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel))

    def run(self, *command: str) -> str:
        """Run a command that succeeds; return what it wrote to both streams."""
        ran = subprocess.run(
            command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    def dvc(self, *arguments: str) -> set[str]:
        """Run DVC; return the stages that ran."""
        return set(re.findall(r"Running stage '(.*?)'", self.run("python", "-m", "dvc", *arguments)))


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return copy_of_tree(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = ["--quiet", "--no-index", "--no-build-isolation", "--no-deps", "--wheel-dir", str(out), "."]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *build], cwd=source, check=True)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"), wheel)


def shrink(path: Path) -> None:
    """Make a run of the preset smoke take seconds, of which most go into imports."""
    yaml = YAML()
    params = yaml.load(path)
    params["model"] |= {"width": 0.125, "timesteps": 1}
    params["train"] |= {"epochs": 1, "device": "cpu", "sparse": "off"}
    params["balance"], params["tickets"] = {"lth": None}, {"lth/r01": "dense"}
    params["hw"]["models"] = ["analytic"]
    yaml.dump(params, path)


def test_the_wheel_has_every_file_of_the_package(source, wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    walked = [*os.walk(source / "uticket", followlinks=True), *os.walk(source / "stages")]
    files = [Path(folder, name).relative_to(source).as_posix() for folder, _, names in walked for name in names]
    assert {name for name in held if not name.startswith("uticket-")} == set(files)


def test_a_project_runs_with_the_installed_wheel(installed):
    where = "import uticket, stages; print(uticket.__file__, stages.__file__)"
    assert installed.run("python", "-c", where).count(str(installed.packages)) == 2
    installed.run("uticket", "init", ".", "--preset", "smoke")
    shrink(installed.folder / "params.yaml")
    installed.run("git", "add", "-A")
    installed.run("git", "commit", "-q", "-m", "start")
    assert "params.yaml: in order (digits, vgg7, 1 tickets, 16 PEs)\n" in installed.run("uticket", "check")
    assert installed.dvc("repro") == EVERYTHING
    assert "<svg" in (installed.folder / "report" / "index.html").read_text()
    installed.run("git", "add", "-A")
    installed.run("git", "commit", "-q", "-m", "results")
    latency = latency_cycles(installed)
    assert installed.dvc("exp", "run", "-S", "hw.pes=8", "simulate@lth") == {"version", "plan", "simulate@lth"}
    assert latency_cycles(installed) > latency
    assert installed.dvc("repro", "simulate@lth") == {"version"}
    assert "network" in installed.run("uticket", "audit", "tickets/lth/r01")
    path = installed.folder / "params.yaml"
    path.write_text(path.read_text().replace("name: vgg7", "name: networks.example:Example"))
    assert "in order (digits, networks.example:Example, " in installed.run("uticket", "check")


def latency_cycles(installed: Installed) -> int:
    return pd.read_csv(installed.folder / "simulation" / "lth" / "tickets.csv")["latency_cycles"].iloc[-1]


def test_another_version_runs_the_stages_again(installed):
    """Last: the installed code is changed."""
    with (installed.packages / "uticket" / "cli" / "main.py").open("a") as file:
        file.write("# another wheel of the same version\n")
    assert installed.dvc("repro", "data") == {"version", "data"}
    status = installed.run("python", "-m", "dvc", "status", "report", "simulate@lth")
    assert status.count("uticket.version") == 2
