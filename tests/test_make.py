"""`make`: which lines of DVC it leaves out."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.helpers import ROOT

KEPT = [
    "Running stage 'ticket@lth/r01':",
    "Stage 'ticket@lth/r01' is cached - skipping run, checking out outputs",
    "Data and pipelines are up to date.",
    "ERROR: failed to reproduce 'report': output 'report' does not exist",
    "12:00:00  lth/r01  keeps 100 of 200 weights: 100 pruned, then 0 recovered and 0 removed by balancing",
    "a line > with a sign",
]
LEFT_OUT = [
    "Stage 'ticket@lth/r01' didn't change, skipping",
    "> python -m stages.ticket lth/r01",
    "Generating lock file 'dvc.lock'",
    "Updating lock file 'dvc.lock'",
    "To track the changes with git, run:",
    "\tgit add report/rounds.csv dvc.lock",
    "To enable auto staging, run:",
    "\tdvc config core.autostage true",
    "Use `dvc push` to send your updates to remote storage.",
    "",
]


@pytest.fixture(scope="module")
def recipe() -> str:
    """The line of the recipe that runs DVC, with the Makefile's variables put in."""
    shown = subprocess.run(["make", "-n", "-o", "setup", "run"], cwd=ROOT, capture_output=True, text=True, check=True)
    return next(line for line in shown.stdout.splitlines() if line.startswith("exec dvc repro"))


def test_what_dvc_repeats_is_left_out_and_all_else_stays(recipe, tmp_path):
    dvc = tmp_path / "dvc"
    text = "\n".join([*LEFT_OUT, *KEPT, *LEFT_OUT])
    dvc.write_text(f"#!/bin/bash\ncat <<'END'\n{text}\nEND\necho ERROR: of DVC >&2\nexit 255\n")
    dvc.chmod(0o755)
    found = subprocess.run(
        ["/bin/bash", "-c", recipe], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert found.stdout.splitlines() == KEPT
    assert (found.stderr, found.returncode) == ("ERROR: of DVC\n", 255)  # so that make ends with an error too


def test_the_lines_are_those_that_the_installed_dvc_writes():
    import dvc.dvcfile
    import dvc.repo.scm_context
    import dvc.stage

    modules = dvc.dvcfile, dvc.repo.scm_context, dvc.stage
    texts = " ".join(re.sub(r"\s+", " ", Path(module.__file__).read_text()) for module in modules)
    for words in ("didn't change, skipping", "Updating lock file", "To track the changes with git", "To enable auto"):
        assert words in texts


def test_an_old_python_is_refused_before_it_makes_an_environment():
    shown = subprocess.run(["make", "-n", "-W", "pyproject.toml", "setup"], cwd=ROOT, capture_output=True, text=True)
    check, makes, *_ = (line for line in shown.stdout.splitlines() if line.startswith("python3 "))
    assert makes == "python3 -m venv .venv"
    assert subprocess.run(["/bin/sh", "-c", check]).returncode == 0
    old = check.replace("sys.version_info[:2]", "(3, 10)")
    result = subprocess.run(["/bin/sh", "-c", old], capture_output=True, text=True)
    expected = "expected Python 3.11 or newer, got 3.10; make PYTHON=python3.12 names another\n"
    assert (result.returncode, result.stderr) == (1, expected)
