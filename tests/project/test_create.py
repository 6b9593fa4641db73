"""`uticket init`: what it writes, and that it replaces nothing."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.helpers import fails, printed
from uticket.config.params import read_params
from uticket.project.create import project_files


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> Path:
    """An empty folder as the working folder; DVC keeps nothing outside of it."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def everything(folder: Path) -> dict[str, str]:
    """The files below a folder, except those of Git and DVC themselves."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path.read_text() for path in paths if ".git" not in path.parts}
    return {name: text for name, text in names.items() if not name.startswith(".dvc/") or "plots" in name}


def test_init_writes_a_project_that_is_in_order(elsewhere):
    lines = printed("init", "mine", "--preset", "smoke", "--preset", "resnet19").splitlines()
    assert [line.partition(":")[0] for line in lines] == ["git", "dvc", "uticket", "next"]
    assert lines[:2] == ["git: initialized in mine", "dvc: initialized in mine"]
    assert set(everything(Path("mine"))) == {*project_files(), ".gitignore", ".dvcignore"}
    assert len(Path("mine/README.md").read_text().splitlines()) <= 10
    os.chdir("mine")
    assert "params.yaml: in order (digits, resnet19, 4 tickets, 16 PEs)\n" in printed("check")
    assert Path(read_params().hw.chip).exists()
    ignored = subprocess.run(["git", "check-ignore", "tickets/lth/r01/mask.safetensors", "x.py"], capture_output=True)
    assert ignored.stdout.decode().split() == ["tickets/lth/r01/mask.safetensors"]


def test_in_a_repository_the_folder_becomes_a_project_of_its_own_and_keeps_what_it_has(elsewhere):
    subprocess.run(["git", "init", "-q"], check=True)
    Path("sub").mkdir()
    Path("sub/README.md").write_text("mine\n")
    Path("sub/.gitignore").write_text("*.log\n__pycache__/")
    lines = printed("init", "sub").splitlines()
    assert lines[:2] == [f"git: sub is in the repository {elsewhere}", "dvc: initialized in sub"]
    assert lines[2].endswith("README.md is kept as it was")
    assert Path("sub/README.md").read_text() == "mine\n"
    ignored = Path("sub/.gitignore").read_text().splitlines()
    assert ignored[:2] == ["*.log", "__pycache__/"]
    assert (ignored.count("__pycache__/"), ignored.count("/report/index.html")) == (1, 1)
    assert "cost.json" in Path("sub/.dvcignore").read_text().splitlines()
    assert not Path("sub/.git").exists()
    before = everything(elsewhere)
    assert "sub/chips/" in fails("init", "sub") or "sub/params.yaml" in fails("init", "sub")
    assert everything(elsewhere) == before


@pytest.mark.parametrize("name", ["params.yaml", "dvc.yaml", ".dvc/plots/sweep.json", "chips/uticket-32nm-lop.yaml"])
def test_a_file_that_exists_is_named_and_nothing_is_written(elsewhere, name):
    path = elsewhere / "mine" / name
    path.parent.mkdir(parents=True)
    path.symlink_to("nowhere")  # a link that leads nowhere would be replaced too
    expected = f"Error: mine/{name}: expected no such file, got one; uticket init replaces none\n"
    assert fails("init", "mine") == expected
    assert [found for found in elsewhere.rglob("*") if not found.is_dir()] == [path]


def test_an_unknown_preset_makes_no_folder(elsewhere):
    error = fails("init", "mine", "--preset", "smock")
    assert "presets: expected one of alexnet, cifar10, " in error
    assert error.rstrip().endswith("got 'smock'; did you mean smoke?")
    assert list(elsewhere.iterdir()) == []


def test_without_git_one_line_says_so(elsewhere, monkeypatch):
    monkeypatch.setenv("PATH", str(elsewhere))
    assert fails("init", "mine") == "Error: git: expected an installed program, got: No such file or directory\n"


def test_a_folder_that_cannot_be_made_is_named(elsewhere):
    Path("file").touch()
    assert fails("init", "file/mine") == "Error: file/mine: expected a folder to write to, got: Not a directory\n"
    assert fails("init", "file") == "Error: file: expected a folder to write to, got: File exists\n"


def test_what_dvc_says_about_a_folder_that_it_refuses_is_one_line(elsewhere):
    subprocess.run(["git", "init", "-q"], check=True)
    Path(".gitignore").write_text("mine\n")
    assert "Error: mine: expected `dvc init --subdir` to succeed, got: ERROR: " in fails("init", "mine")
    assert everything(elsewhere) == {".gitignore": "mine\n"}
