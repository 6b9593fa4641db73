"""dvc.yaml of a user's project against the repository's own."""

import pytest
from ruamel.yaml import YAML

from tests.helpers import ROOT
from uticket.project.presets import TEMPLATE
from uticket.project.stages import CODE, VERSION_FILE, own_stages

TEXT = (ROOT / "dvc.yaml").read_text()
OURS, OWN = (YAML(typ="safe").load(text) for text in (TEXT, own_stages(TEXT)))


def test_a_project_has_our_stages_and_one_that_notes_the_version():
    assert list(OWN["stages"]) == ["version", *OURS["stages"]]
    assert OWN["stages"]["version"]["outs"] == [{VERSION_FILE: {"cache": False}}]
    assert OWN["plots"] == OURS["plots"]


@pytest.mark.parametrize("name", OURS["stages"])
def test_a_stage_of_a_project_differs_in_its_code_only(name):
    ours, own = (side["stages"][name] for side in (OURS, OWN))
    assert {**own, "do": 0, "deps": 0} == {**ours, "do": 0, "deps": 0}
    ours, own = ours.get("do", ours), own.get("do", own)
    assert {**own, "deps": 0} == {**ours, "deps": 0}  # command, params and outs among them
    assert own["deps"] == [VERSION_FILE, *(dep for dep in ours["deps"] if not dep.startswith(CODE))]


def test_comments_of_the_stages_stay_and_the_text_is_tidy():
    text = own_stages(TEXT)
    assert "  # A file for each ticket says what decides its mask" in text
    assert "tests/" not in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("stages.yaml", "dvc.yaml"),
        ("params.yaml", "params.yaml"),
        ("dvcignore", ".dvcignore"),
        ("gitignore", ".gitignore"),
        ("plots", ".dvc/plots"),
        ("presets", "presets"),
        ("networks", "networks"),
        ("images.md", "data/images/README.md"),
        ("events.md", "data/events/README.md"),
    ],
)
def test_the_template_is_the_repositorys_own_files(name, source):
    assert (TEMPLATE / name).is_symlink()
    assert (TEMPLATE / name).samefile(ROOT / source)
