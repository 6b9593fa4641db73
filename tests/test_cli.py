import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conftest import PARAMS, ROOT
from uticket.cli import main
from uticket.report.readme import BEGIN, END


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with params.yaml as the working folder."""
    (tmp_path / "params.yaml").write_text(PARAMS.read_text())
    (tmp_path / "uticket").symlink_to(ROOT / "uticket")  # where the chip file is
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_check_tells_what_the_params_set(project):
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 0
    assert result.output == "params.yaml: in order (digits, vgg7, 12 tickets, 16 PEs)\n"


def test_check_names_folders_of_tickets_that_params_no_longer_has(project):
    for name in ("dense", "lth/r01", "lth/r99", "gone/r01"):
        (project / "tickets" / name).mkdir(parents=True)
    lines = CliRunner().invoke(main, ["check"]).output.splitlines()[1:]
    assert [line.partition(":")[0] for line in lines] == ["tickets/gone/r01", "tickets/lth/r99"]


def test_check_tells_a_mistake_in_one_line_with_exit_code_2(project):
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("pes: 16", "pes: many"))
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 2
    assert result.output == "Error: params.yaml: hw.pes: expected integer, came 'many'\n"


def test_check_reads_the_chip_file(project):
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("chip: uticket/", "chip: nowhere/"))
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 2
    assert "uticket-32nm.yaml: expected a chip file, came: No such file" in result.output


def test_readme_without_a_run_is_left_alone(project):
    (project / "README.md").write_text(f"{BEGIN}\n{END}\n")
    result = CliRunner().invoke(main, ["readme"])
    assert result.exit_code == 2
    assert "report/summary.json: expected JSON that an earlier stage wrote" in result.output
    assert (project / "README.md").read_text() == f"{BEGIN}\n{END}\n"


def test_readme_takes_the_results_of_the_run(project):
    numbers = {"accuracy": 0.9, "latency_cycles": 1000}
    (project / "report").mkdir()
    (project / "report" / "summary.json").write_text(json.dumps({"dense": numbers}))
    (project / "README.md").write_text(f"{BEGIN}\n{END}\n")
    assert CliRunner().invoke(main, ["readme"]).exit_code == 0
    assert "| dense | 90.00 | 1,000 |" in (project / "README.md").read_text()
