"""What SLURM gets, with programs that take its place: `sbatch` keeps what it is given, `squeue` prints a file."""

import os
import re
from pathlib import Path

import pytest

from tests.cli.helpers import fails, printed
from tests.cluster.helpers import commit, make_project, write_search
from uticket.config.params import read_params

PROGRAMS = {
    "srun": "",
    "sbatch": """
n=$(ls "$SLURM_TEST"/*.sh 2>/dev/null | wc -l)
cp "$1" "$SLURM_TEST/$n.sh"
echo "Submitted batch job $n"
""",
    "squeue": 'cat "$SLURM_TEST/queue"',
}
DENSE, LTH, UTICKET = 0, 1, 2


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project with SLURM's programs in the path, as the working folder."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        write_program(programs / name, text)
    (tmp_path / "queue").touch()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_TEST", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    project = make_project(tmp_path / "top")
    slurm = {"gpus": 1, "cpus": 8, "hours": 1.5, "memory_gb": 64.0, "slurm": {"partition": "gpu", "nice": True}}
    write_search(project, executor="slurm", job=slurm)
    commit(project)
    monkeypatch.chdir(project)
    return project


def write_program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def options(folder: Path, number: int) -> dict[str, str]:
    """The options of a submitted script."""
    found = re.findall(r"#SBATCH --([a-z-]+)(?:=(.*))?", (folder / f"{number}.sh").read_text())
    return dict(found)


def submitted(said: str) -> list[bool]:
    return [": submitted as " in line for line in said.splitlines()]


def test_each_job_asks_for_its_gpu_and_chains_wait_for_the_dense_training(project, tmp_path):
    assert submitted(printed("cluster", "submit")) == [True, True, True]
    dense, lth, uticket = (options(tmp_path, number) for number in (DENSE, LTH, UTICKET))
    assert dense["job-name"] == "tiny-seed3-dense"
    assert (dense["gpus-per-node"], dense["cpus-per-task"], dense["mem"], dense["time"]) == ("1", "8", "64GB", "90")
    assert (dense["partition"], dense["nice"], dense["requeue"]) == ("gpu", "", "")
    assert dense["signal"] == "USR2@120"
    assert "dependency" not in dense
    for chain in (lth, uticket):
        assert (chain["dependency"], chain["kill-on-invalid-dep"]) == ("afterok:0", "yes")


def test_a_chain_has_its_own_tickets_and_the_seed(project, tmp_path):
    printed("cluster", "submit")
    jobs = tmp_path / "search/jobs/tiny/seed3"
    params = {name: read_params(jobs / name / "clone/project/params.yaml") for name in ("dense", "lth", "uticket")}
    assert {found.seed for found in params.values()} == {3}
    assert list(params["uticket"].tickets) == ["uticket/r01"]
    assert (list(params["uticket"].balance), params["uticket"].report.baseline) == (["uticket"], "uticket")
    assert list(params["dense"].tickets) == ["lth/r01", "uticket/r01"]


def test_what_is_in_the_queue_or_done_is_not_submitted_again(project, tmp_path):
    printed("cluster", "submit")
    (tmp_path / "queue").write_text("0 RUNNING\n1 PENDING\n")
    said = printed("cluster", "submit")
    assert submitted(said) == [False, False, True]  # the second chain has left the queue
    assert "tiny/seed3/dense: running\ntiny/seed3/lth: pending\n" in said
    (tmp_path / "queue").write_text("")
    (tmp_path / "search/jobs/tiny/seed3/dense/done").touch()
    said = printed("cluster", "submit")
    assert submitted(said) == [False, True, True]
    assert "dependency" not in options(tmp_path, 4)  # nothing to wait for


def test_what_sbatch_and_squeue_refuse_is_one_line(project, tmp_path):
    write_program(tmp_path / "programs/sbatch", "echo 'sbatch: error: invalid partition specified: gpu' >&2; exit 1")
    assert "invalid partition specified: gpu" in fails("cluster", "submit")
    write_program(tmp_path / "programs/squeue", "echo 'slurm_load_jobs error' >&2; exit 1")
    assert fails("cluster", "status") == "Error: squeue: expected the jobs in the queue, got: slurm_load_jobs error\n"


def test_without_slurm_nothing_is_written(project, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert "executor: expected SLURM on this machine, got no program srun" in fails("cluster", "submit")
    assert not (tmp_path / "search/jobs/tiny/seed3/dense/clone").exists()
