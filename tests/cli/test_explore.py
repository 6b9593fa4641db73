"""`uticket explore`, and the examples of docs/explore.md."""

import csv
import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import uticket as ut
from tests.cli.helpers import fails
from tests.exploring.helpers import small_ticket
from tests.helpers import ROOT
from uticket.cli.main import main
from uticket.config.space import Space

PAGE = (ROOT / "docs" / "explore.md").read_text()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with two tickets and a space, as the working folder."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("lth", "uticket")):
        small_ticket(seed).write(tmp_path / "tickets" / name / "r06")
    (tmp_path / "space.yaml").write_text("pes: [2, 4]\nbroadcast: {fifo_depth: [0, inf]}\n")
    return tmp_path


def block(language: str) -> str:
    """The first block of the page in a language; commands have none."""
    return dict(reversed(re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)))[language]


def test_table_csv_and_figure_are_those_of_the_api(folder):
    result = CliRunner().invoke(main, ["explore", "tickets/lth/r06", "--space", "space.yaml"])
    assert result.exit_code == 0, result.output
    expected = ut.explore({"tickets/lth/r06": ut.Ticket.read("tickets/lth/r06")}, Space.read("space.yaml"))
    with (folder / "explored" / "explored.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows == [{name: str(value) for name, value in row.items()} for row in expected.rows]
    assert list(rows[0])[:5] == ["ticket", "hw.pes", "hw.broadcast.fifo_depth", "pareto", "latency_us"]
    assert (folder / "explored" / "pareto.svg").read_text().lstrip().startswith("<?xml")
    lines = result.stdout.splitlines()
    headings = ["ticket", "PEs", "FIFO depth", "utilization %", "latency cycles", "latency us", "total pJ", "area um2"]
    assert re.split(" {2,}", lines[0]) == headings
    assert len(lines[2:-2]) == len(expected.front)
    assert lines[-2:] == [
        f"{len(expected.front)} of 4 points are on the Pareto front",
        "written: explored/explored.csv, explored/pareto.svg",
    ]


def test_json_has_all_rows():
    result = CliRunner().invoke(main, ["explore", "tickets/lth/r06", "--space", "space.yaml", "--json"])
    found = json.loads(result.stdout)
    assert (found["model"], found["out"], len(found["rows"])) == ("events", "explored", 4)
    assert {row["area_um2"] == "inf" for row in found["rows"]} == {True, False}


def test_the_examples_of_the_page_run(folder, monkeypatch):
    pytest.importorskip("optuna")
    (folder / "space.yaml").write_text(block("yaml"))
    commands = [line for line in block("").splitlines() if line]
    assert all(line.startswith("uticket explore ") for line in commands)
    for line in commands:
        result = CliRunner().invoke(main, shlex.split(line)[1:])
        assert result.exit_code == 0, result.output
    assert {path.name for path in (folder / "found").iterdir()} == {"explored.csv", "pareto.svg", "points.jsonl"}
    assert "explored/" in PAGE
    exec(block("python"), {})


def test_all_columns_of_its_own_are_on_the_page():
    row = ut.explore(small_ticket(), {"pes": [2]}).rows[0]
    own = row.keys() - ut.simulate(small_ticket()).network.columns().keys() - {"ticket", "hw.pes"}
    table = PAGE.partition("| column |")[2].partition("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert own == set(re.findall(r"`(\w+)`", " ".join(first_cells)))


def test_the_benchmark_has_500_points():
    assert Space.read(ROOT / "benchmarks" / "explore.yaml").size == 500


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["tickets/lth/r06"], "--space: expected a value, got nothing"),
        (["--space", "space.yaml"], "TICKET_DIR...: expected a value, got nothing"),
        (["tickets/lth/r06", "--space", "absent.yaml"], "absent.yaml: expected YAML, got no file"),
        (["absent", "--space", "space.yaml"], "absent: expected the folder of a ticket, got none"),
        (["tickets/lth/r06", "tickets/lth/r06/", "--space", "space.yaml"], "once, got tickets/lth/r06 twice"),
        (["tickets/lth/r06", "--space", "wrong.yaml"], "wrong.yaml: pes: expected greater than or equal to 1, got 0"),
        (["tickets/lth/r06", "--space", "other.yaml"], "got 'fifo_depth'; did you mean broadcast.fifo_depth?"),
        (["tickets/lth/r06", "--space", "space.yaml", "--search", "0"], "--search: expected greater than or"),
        (["tickets/lth/r06", "--space", "space.yaml", "--model", "rtl"], "--model: expected one of analytic, events"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line_and_writes_nothing(folder, options, error):
    (folder / "wrong.yaml").write_text("pes: [0]\n")
    (folder / "other.yaml").write_text("fifo_depth: [8]\n")
    assert error in fails("explore", *options)
    assert not (folder / "explored").exists()
