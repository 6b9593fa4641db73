"""`uticket check`, `readme`, and what commands of the project say; `rounds` and `preset` are in tests/config."""

from pathlib import Path

import pytest

from tests.cli.helpers import fails, printed
from tests.helpers import PARAMS, ROOT
from uticket.base.files import write_rows
from uticket.report.readme import END, begin
from uticket.report.savings import NUMBERS

NEXT = "next: dvc repro (uticket estimate: how long it takes)\n"
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
    assert printed("check") == f"params.yaml: in order (digits, vgg7, 12 tickets, 16 PEs)\n{NEXT}"


def test_check_names_folders_of_tickets_that_params_no_longer_has(project):
    for name in ("dense", "lth/r01", "lth/r99", "gone/r01"):
        (project / "tickets" / name).mkdir(parents=True)
    lines = printed("check").splitlines()[1:-1]
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
    lines = ["params.yaml: smoke, resnet19 (git diff params.yaml)", "next: uticket check && dvc repro"]
    assert printed("preset", "smoke", "resnet19").splitlines() == lines
    assert printed("check") == f"params.yaml: in order (digits, resnet19, 4 tickets, 16 PEs)\n{NEXT}"


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


def test_results_are_three_numbers_of_each_method_and_the_page(project):
    numbers = dict.fromkeys(NUMBERS, 0.5) | {"accuracy": 0.9, "latency_cycles": 1000, "energy": 200}
    saving = {**numbers, "utilization": 1.0, "latency_cycles": 700, "energy": 150}
    rows = [{"method": "lth", "ticket": "dense", **numbers}, {"method": "lth", "ticket": "lth/r01", **numbers}]
    write_rows(project / "report" / "rounds.csv", [*rows, {"method": "uticket", "ticket": "uticket/r01", **saving}])
    lines = printed("results").splitlines()
    assert [line.split() for line in lines[2:4]] == [
        ["lth", "50.00", "90.00"],
        ["uticket", "100.00", "30.0", "25.0", "90.00"],
    ]
    assert lines[4].startswith("last tickets; saved against lth, ")
    assert lines[5:] == ["page: report/index.html is not here; run the stage report"]
    (project / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    assert printed("results").splitlines()[5:] == ["page: report/index.html is not here; `dvc repro report` makes it"]
    (project / "report" / "index.html").touch()
    assert printed("results").splitlines()[5:] == [f"page: {(project / 'report' / 'index.html').as_uri()}"]


def test_results_of_no_run_name_the_command_that_makes_them(project):
    (project / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    assert fails("results") == "Error: report/rounds.csv: expected a table, got no file; `dvc repro report` makes it\n"
