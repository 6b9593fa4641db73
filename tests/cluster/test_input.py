"""Wrong input of `uticket cluster`: one line, and nothing is written."""

import os
from pathlib import Path

import pytest

from tests.cli.helpers import fails, printed
from tests.cluster.helpers import commit, make_project, write_search
from uticket.cluster.clone import committed_project, make_clone, params_of
from uticket.cluster.jobs import Job
from uticket.config.params import read_params


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    project = make_project(tmp_path / "top")
    monkeypatch.chdir(project)
    return project


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"seed": [1]}, "search.yaml: seed: expected one of folder, seeds, presets, "),
        ({"seeds": []}, "search.yaml: seeds: expected at least one"),
        ({"seeds": [1, 1]}, "search.yaml: seeds: expected different ones, got 1 twice"),
        ({"methods": ["lth/r01"]}, "search.yaml: methods.0: expected a name of letters, digits, - and _"),
        ({"methods": ["best"]}, "tiny/seed3/best: params.yaml: expected one of its methods (lth, uticket), got 'best'"),
        ({"presets": {"tiny": ["huge"]}}, "presets: expected one of "),
        ({"job": {"hours": 0}}, "search.yaml: job.hours: expected greater than 0, got 0"),
        ({"folder": "search"}, "expected a folder outside of the project"),
    ],
)
def test_a_wrong_search_is_one_line(project, tmp_path, changes, line):
    write_search(project, **changes)
    commit(project)
    assert line in fails("cluster", "submit")
    assert not (tmp_path / "search").exists()
    assert not (project / "search").exists()


def test_changes_that_clones_would_lack_are_named(project):
    (project / "dvc.yaml").write_text("stages: {}\n")
    said = fails("cluster", "submit")
    assert "expected everything committed, as jobs run in clones, got changes of project/dvc.yaml" in said


def test_other_params_in_the_same_folder_are_refused(project, tmp_path):
    write_search(project)
    job, found = Job(tmp_path / "search", "tiny", 3, "lth"), committed_project(project)
    text = params_of(job, ["tiny"], found)
    make_clone(job, text, found)
    make_clone(job, text, found)  # stays
    with pytest.raises(ValueError, match=r"expected the params of this search, got others; give it another folder"):
        make_clone(job, text.replace("epochs: 12", "epochs: 13"), found)


def test_a_clone_reads_images_and_downloads_of_the_project(project, tmp_path):
    (project / "presets/images.yaml").write_text("data: {name: folder, path: data/mine}\n")
    (project / "data/downloads").mkdir(parents=True)
    (project / "data/downloads/cifar").write_text("images")
    commit(project)
    job, found = Job(tmp_path / "search", "mine", 3, "uticket"), committed_project(project)
    make_clone(job, params_of(job, ["tiny", "images"], found), found)
    clone = job.clone / "project"
    assert read_params(clone / "params.yaml").data.path == str(project / "data/mine")
    assert (clone / "data/downloads/cifar").read_text() == "images"


def test_status_and_gather_before_anything_ran(project):
    assert "tiny/seed3/dense    not submitted" in printed("cluster", "status")
    assert "expected a chain that is done, got none; see uticket cluster status" in fails("cluster", "gather")


def test_outside_a_project_the_missing_file_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in ("submit", "status", "gather"):
        expected = "search.yaml: expected YAML with the keys folder, seeds, presets and methods, got no file"
        assert fails("cluster", command) == f"Error: {expected}\n"
