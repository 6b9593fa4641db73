"""Wrong input of `uticket seeds`: one line, and nothing runs."""

import sqlite3
from pathlib import Path

import pytest

from tests.cli.helpers import fails, printed
from tests.cluster.helpers import commit, git
from tests.repeating.helpers import project_of
from uticket.base.errors import InputError
from uticket.project.clone import find_project, update_clone
from uticket.repeating.tracked import cache_of


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    project = project_of(tmp_path, "uticket")
    monkeypatch.chdir(project)
    return project


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "SEED: expected one or more, such as 0 1 2, or --count, got none"),
        (["1", "2", "1"], "SEED: expected each once, got 1 twice"),
        (["--", "-1"], "[SEED]...: expected greater than or equal to 0, got"),
        (["one"], "[SEED]...: expected integer, got 'one'"),
        (["--count", "0"], "--count: expected greater than or equal to 1, got"),
        (["--count", "2", "1"], "--count: expected no SEED beside it, got 1"),
        (["--status", "1"], "--status, --gather: expected no seeds to run beside them, got some"),
    ],
)
def test_wrong_seeds_are_one_line(project, arguments, line):
    assert line in fails("seeds", *arguments)
    assert not (project / ".uticket").exists()


def test_outside_a_project_or_a_repository(tmp_path, monkeypatch, project):
    monkeypatch.chdir(tmp_path)
    assert "params.yaml: expected YAML, got no file" in fails("seeds", "1")
    Path("params.yaml").write_text((project / "params.yaml").read_text())
    assert "expected `git rev-parse --show-toplevel` to succeed, got: fatal: not a git repository" in fails(
        "seeds", "1"
    )
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    assert "expected a project of DVC, got: " in fails("seeds", "1")


def test_only_changes_that_stages_read_are_refused(project):
    found = find_project(project)
    for name in ("README.md", "params.yaml", "report/rounds.csv", "seeds/rounds.csv", "notes.py"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text((project / "params.yaml").read_text())
    assert cache_of(found) == project / ".dvc/cache"
    (project / "pretend.py").write_text("other\n")
    expected = "project/pretend.py: expected to be committed, as seeds run in clones of the last commit, got changes"
    assert expected in fails("seeds", "1")


def test_a_folder_in_place_of_a_clone_leaves_the_project_alone(project):
    clone = project / ".uticket/seeds/seed1"
    clone.mkdir(parents=True)
    (project / "new.txt").touch()
    git(project, "add", "new.txt")
    before = git(project, "status", "--porcelain")
    with pytest.raises(InputError, match="seeds/seed1: expected a clone of the project, got another folder; remove it"):
        update_clone(find_project(project), clone, "HEAD")
    assert git(project, "status", "--porcelain") == before != ""


def test_a_place_that_cannot_be_written_to(project, monkeypatch):
    (project / ".uticket/seeds/seed1.lock").mkdir(parents=True)
    (project / ".uticket/seeds/seed1").mkdir()
    assert printed("seeds", "--status").splitlines()[2].split() == ["1", "other", "params", ".uticket/seeds/seed1"]
    monkeypatch.setattr("dvc.repo.Repo.__init__", refuse)
    assert "project: expected a project of DVC, got: unable to open database file" in fails("seeds", "1")


def refuse(*_: object) -> None:
    raise sqlite3.OperationalError("unable to open database file")


def test_status_before_anything_ran(project):
    assert printed("seeds", "--status") == "no seed has begun\n"


def test_wrong_params_are_reported_before_anything_runs(project):
    (project / "params.yaml").write_text((project / "params.yaml").read_text().replace("epochs: 12", "epochs: 0"))
    assert "params.yaml: train.epochs: expected " in fails("seeds", "1")
