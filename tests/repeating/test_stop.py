"""A run of seeds that is stopped, and one that is killed: both resume where they were."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.cli.helpers import fails, printed
from tests.repeating.helpers import project_of, seeds_in, states

MOST_SECONDS = 120


@pytest.fixture
def project(tmp_path, monkeypatch) -> Iterator[Path]:
    """A project with a chain that pauses, as the working folder."""
    project = project_of(tmp_path, "lth")
    monkeypatch.chdir(project)
    yield project
    for process in psutil.process_iter():  # where the test failed: those that outlived their parents, too
        with suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(tmp_path) and process.pid != os.getpid():
                process.kill()


def begin() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "uticket.cli", "seeds", "3"], stderr=subprocess.PIPE)


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def stages_in(folder: Path) -> list[psutil.Process]:
    """The processes that run in a folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == folder:
                found.append(process)
    return found


@pytest.mark.usefixtures("heeding_signals")
def test_a_stopped_and_a_killed_run_resume(project, tmp_path):
    folder = project / ".uticket/seeds/seed3/project"
    scratch = folder / ".uticket/scratch"
    first = begin()
    wait_until((scratch / "pause3").exists)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=MOST_SECONDS)
    assert first.returncode == 130
    assert said.decode().endswith("Error: stopped by SIGINT\n")
    assert stages_in(folder) == []
    assert states() == {"3": ["stopped", "1 of 2", ".uticket/seeds/seed3"]}
    assert "expected a seed that is done, got none; see uticket seeds --status" in fails("seeds", "--gather")

    second = begin()
    wait_until((scratch / "pause6").exists)
    second.kill()
    second.wait(timeout=MOST_SECONDS)
    assert states()["3"][0] == "running"  # its dvc runs on
    assert fails("seeds", "3").endswith("seed3: expected no process that runs seed 3, got one\n")
    stage = next(process for process in stages_in(folder) if "pretend.py" in process.cmdline())
    stage.terminate()  # saves its state, and dvc ends
    wait_until(lambda: states()["3"][0] == "stopped")

    printed("seeds", "3")
    assert seeds_in("rounds") == [("3", "3")]
    lines = (tmp_path / "trainings").read_text().splitlines()
    assert lines == ["dense from step 0", "lth/r01 from step 0", "lth/r01 from step 3", "lth/r01 from step 6"]
