"""Errors about a missing file of a project: which command brings it back."""

import shutil
from pathlib import Path

import pytest

from tests.cli.helpers import fails
from tests.helpers import PARAMS, ROOT
from uticket.cli.remedy import remedy, with_remedy


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    """A fresh clone of a project without DVC's cache, as the working folder."""
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    shutil.copy(PARAMS, tmp_path / "params.yaml")
    (tmp_path / "tickets" / "lth" / "r06").mkdir(parents=True)
    shutil.copy(ROOT / "tickets" / "lth" / "r06" / "layers.json", tmp_path / "tickets" / "lth" / "r06")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("tickets/lth/r06/mask.safetensors", " ticket@lth/r06"),
        ("tickets/lth/r01", " ticket@lth/r01"),
        ("tickets/dense", " dense"),
        ("data/prepared/about.json", " data"),
        ("plans/lth.json", " plan"),
        ("simulation/uticket/tickets.csv", " simulate@uticket"),
        ("report/index.html", " report"),
        ("simulation", ""),
    ],
)
def test_a_missing_output_names_its_stage(path, stage):
    assert remedy(Path(path)) == f"`dvc repro{stage}` makes it"
    assert remedy(Path(path).absolute()) == f"`dvc repro{stage}` makes it"


def test_what_exists_or_is_no_output_has_no_remedy(project):
    for path in ("params.yaml", "tickets/lth/r06", "tickets/lth/r99", "mask.npz", "--seed", "", "weights", "a\0b"):
        assert remedy(Path(path)) is None, path
    (project / "dvc.yaml").write_text("stages: [1]\n")
    assert remedy(Path("tickets/dense")) is None
    (project / "dvc.yaml").unlink()
    assert remedy(Path("tickets/dense")) is None


def test_with_a_remote_dvc_pull_comes_first_and_another_project_is_named(project, monkeypatch):
    (project / ".dvc").mkdir()
    (project / ".dvc" / "config").write_text("['remote \"store\"']\n    url = /store\n")
    monkeypatch.chdir(project / "tickets")
    path = project / "tickets" / "lth" / "r01"
    assert remedy(path) == "`dvc pull` fetches it, `dvc repro ticket@lth/r01` in .. makes it"


def test_general_advice_is_replaced():
    line = "data/prepared/about.json: expected prepared images, got no file; run the stage data"
    assert with_remedy(line).endswith("got no file; `dvc repro data` makes it")
    other = "elsewhere/about.json: expected prepared images, got no file; run the stage data"
    assert with_remedy(other) == other


@pytest.mark.parametrize(
    "words",
    [["audit"], ["balance", "OUT.npz"], ["simulate"], ["rivals"], ["export", "OUT.npz", "--format", "npz"]],
    ids=lambda words: words[0],
)
def test_commands_say_it_of_a_ticket_in_a_clone_without_a_cache(words):
    line = fails(words[0], "tickets/lth/r06", *words[1:])
    assert line.startswith("Error: tickets/lth/r06/mask.safetensors: expected ")
    assert line.endswith(", got no file; `dvc repro ticket@lth/r06` makes it\n")
    line = fails(words[0], "tickets/lth/r01", *words[1:])
    assert line.endswith("; `dvc repro ticket@lth/r01` makes it\n")
