"""`uticket check`, `readme`, and what commands of the project say; `rounds` and `preset` are in tests/config."""

from pathlib import Path

import pytest

from tests.cli.helpers import fails, printed
from tests.helpers import PARAMS, ROOT
from uticket.base.files import write_rows
from uticket.report.readme import END, begin
from uticket.report.savings import NUMBERS

MARKS = f"{begin('results')}\n{END}\n"


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with params.yaml as the working folder."""
    (tmp_path / "params.yaml").write_text(PARAMS.read_text())
    (tmp_path / "uticket").symlink_to(ROOT / "uticket")  # where the chip file is
    monkeypatch.chdir(tmp_path)
    return tmp_path


def replace(project: Path, old: str, new: str) -> None:
    path = project / "params.yaml"
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))


def test_check_says_what_the_params_set(project):
    assert printed("check") == "params.yaml: in order (digits, vgg7, 12 tickets, 16 PEs)\n"


def test_check_names_folders_of_tickets_that_params_no_longer_has(project):
    for name in ("dense", "lth/r01", "lth/r99", "gone/r01"):
        (project / "tickets" / name).mkdir(parents=True)
    lines = printed("check").splitlines()[1:]
    assert [line.partition(":")[0] for line in lines] == ["tickets/gone/r01", "tickets/lth/r99"]


def test_check_reports_a_mistake_in_one_line_with_exit_code_2(project):
    replace(project, "  pes: 16\n", "  pes: many\n")
    assert fails("check") == "Error: params.yaml: hw.pes: expected integer, got 'many'\n"


def test_check_suggests_the_key_that_was_meant(project):
    replace(project, "  leak:", "  leek:")
    assert "Error: params.yaml: model.leek: expected one of name, path, width, " in fails("check")
    assert "got the unknown key 'leek'; did you mean leak? (and 1 more)" in fails("check")


def test_check_reads_the_chip_file(project):
    replace(project, "chip: uticket/", "chip: nowhere/")
    assert "nowhere/hardware/chips/uticket-32nm-lstp.yaml: expected YAML, got no file" in fails("check")


def test_outside_a_project_the_missing_file_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in (["check"], ["estimate"], ["rounds", 3]):
        line = "Error: params.yaml: expected YAML, got no file; `uticket init DIR` makes a project with one\n"
        assert fails(*words) == line
    assert list(tmp_path.iterdir()) == []


def test_presets_are_merged_into_the_params_of_the_folder(project):
    (project / "presets").symlink_to(ROOT / "presets")
    assert printed("preset", "smoke", "resnet19") == "params.yaml: smoke, resnet19\n"
    assert printed("check") == "params.yaml: in order (digits, resnet19, 4 tickets, 16 PEs)\n"


def test_readme_without_a_run_is_left_alone(project):
    (project / "README.md").write_text(MARKS)
    assert "report/rounds.csv: expected a table, got no file; run the stage that writes it" in fails("readme")
    assert (project / "README.md").read_text() == MARKS


def test_readme_takes_the_results_of_the_run(project):
    numbers = dict.fromkeys(NUMBERS, 0.5) | {"accuracy": 0.9, "latency_cycles": 1000}
    tickets = {"lth": ["dense", "lth/r01"], "uticket": ["uticket/r01"]}
    rows = [{"method": method, "ticket": name, **numbers} for method, names in tickets.items() for name in names]
    write_rows(project / "report" / "rounds.csv", rows)
    (project / "README.md").write_text(f"above\n{MARKS}below\n")
    assert printed("readme") == "README.md: results written\n"
    text = (project / "README.md").read_text()
    (dense,) = [line for line in text.splitlines() if line.startswith("| dense |")]
    assert dense.startswith("| dense | 90.00 | 50.00 |")
    assert "| 1,000 |" in dense
    assert (text.startswith("above\n"), text.endswith("below\n")) == (True, True)
