"""A whole search with the local executor: a dense training, two chains, one of which is stopped twice."""

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

from tests.cli.helpers import printed
from tests.cluster.helpers import git, make_project
from uticket.base.files import read_rows

LTH, UTICKET, DENSE = (f"tiny/seed3/{method}" for method in ("lth", "uticket", "dense"))
MOST_SECONDS = 300


@pytest.fixture
def project(tmp_path, monkeypatch) -> Iterator[Path]:
    """A project in a folder below its repository's top, as the working folder."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("TRAININGS", str(tmp_path / "trainings"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    project = make_project(tmp_path / "top")
    monkeypatch.chdir(project)
    yield project
    for process in psutil.Process().children(recursive=True):  # where the test failed
        with suppress(psutil.NoSuchProcess):
            process.kill()


def states() -> dict[str, str]:
    """The state of each job, as `uticket cluster status` prints it."""
    rows = [line.split() for line in printed("cluster", "status").splitlines()]
    return {row[0]: row[1] for row in rows if row[0].startswith("tiny")}


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while not reached():
        assert time.monotonic() < deadline, states()
        time.sleep(0.2)


def signal_all(number: int, job: Path) -> None:
    """Send a signal to all processes of a job, as SLURM does; the controller of the local executor is none of them."""
    submitted = max((job / "logs").glob("*_submitted.pkl"), key=lambda path: path.stat().st_mtime)
    for process in psutil.Process(int(submitted.name.partition("_")[0])).children(recursive=True):
        process.send_signal(number)


def test_a_search_resumes_where_it_was_stopped_and_is_gathered(project, tmp_path):
    search = tmp_path / "search"
    jobs = search / "jobs"
    said = printed("cluster", "submit")
    assert [line.partition(": submitted as ")[0] for line in said.splitlines()] == [DENSE, LTH, UTICKET]
    scratch = jobs / LTH / "clone/project/.uticket/scratch"

    wait_until((scratch / "pause3").exists)
    assert states()[LTH] == "running"
    signal_all(signal.SIGTERM, jobs / LTH)  # as scancel does
    wait_until(lambda: states() == {DENSE: "done", LTH: "stopped", UTICKET: "done"})

    said = printed("cluster", "submit")
    assert said.startswith(f"{DENSE}: done\n{LTH}: submitted as ")
    assert said.endswith(f"{UTICKET}: done\n")
    wait_until((scratch / "pause6").exists)
    signal_all(signal.SIGUSR2, jobs / LTH)  # as before a time limit; it queues itself again
    wait_until(lambda: set(states().values()) == {"done"})
    trainings = (tmp_path / "trainings").read_text().splitlines()
    assert sorted(trainings) == [
        "dense from step 0",  # once for both chains
        "lth/r01 from step 0",
        "lth/r01 from step 3",
        "lth/r01 from step 6",
        "uticket/r01 from step 0",
    ]

    said = printed("cluster", "gather")
    assert said.endswith("branches cluster/*: 2 of 2 chains\n")
    rows = read_rows(search / "results/metrics.csv")
    assert [(row["preset"], row["seed"], row["method"]) for row in rows] == [
        ("tiny", "3", "lth"),
        ("tiny", "3", "uticket"),
    ]
    assert [row["latency_saved_pct"] for row in rows] == ["", "50.0"]
    assert len(read_rows(search / "results/rounds.csv")) == 2

    branch = f"cluster/{UTICKET}"
    assert "\nseed: 3  " in git(project, "show", f"{branch}:project/params.yaml")
    assert git(project, "show", f"{branch}:project/report/rounds.csv").startswith("method,ticket,")
    git(tmp_path, "clone", "-q", "--branch", branch, str(project.parent), "elsewhere")
    elsewhere = tmp_path / "elsewhere/project"
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run(
        [*dvc, "remote", "add", "-q", "--local", "-d", "store", str(search / "store")], cwd=elsewhere, check=True
    )
    subprocess.run([*dvc, "pull", "-q"], cwd=elsewhere, check=True)
    assert (elsewhere / "tickets/uticket/r01/weights.txt").read_text().startswith("uticket/r01 ")
