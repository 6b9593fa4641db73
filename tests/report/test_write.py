import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.report.conftest import SETTINGS, MakeOutputs
from uticket.base.errors import InputError
from uticket.base.files import read_rows
from uticket.config.paths import REPORT, simulation_files, ticket_files
from uticket.report.write import write_report

TABLES = ["layers", "mappings", "models", "quantized", "rounds", "storage", "sweeps", "training"]


def files_of_report() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(REPORT.folder.rglob("*")) if path.is_file()}


def test_the_report_is_metrics_tables_figures_and_the_page(outputs: MakeOutputs):
    write_report(SETTINGS, outputs())
    names = [Path(name).relative_to(REPORT.folder) for name in files_of_report()]
    assert sorted(path.stem for path in names if path.suffix == ".csv" and path.parent == Path()) == TABLES
    drawn = sorted(path.stem for path in names if path.suffix == ".svg")
    assert sorted(path.stem for path in names if path.parts[0] == "figures" and path.suffix == ".csv") == drawn
    assert sorted(path.stem for path in names if path.parts[0] == "paper" and path.suffix == ".pdf") == drawn
    assert "results" in [path.stem for path in names if path.suffix == ".tex"]
    assert {path.parent.name for path in names if path.suffix == ".svg"} == {"figures"}
    assert [path.name for path in names if path.suffix in (".json", ".html")] == ["index.html", "metrics.json"]
    assert json.loads(REPORT.metrics.read_text())["uticket"]["latency_saved_pct"] == pytest.approx(20)
    assert len(read_rows(REPORT.table("rounds"))) == 6


def test_the_page_shows_every_figure_and_what_is_saved(outputs: MakeOutputs):
    write_report(SETTINGS, outputs())
    page = REPORT.page.read_text()
    assert "<title>Tickets &amp; PEs</title>" in page
    assert "uticket: 20.0 % less latency and 20.0 % less energy than lth." in page
    assert "on 16 PEs" in page
    for path in REPORT.figures.glob("*.svg"):
        assert f'<figure id="{path.stem}"><svg role="img" aria-labelledby="caption-{path.stem}"' in page
    assert page.count("<svg") == 7
    assert '<th scope="col">latency saved&nbsp;%</th>' in page


def test_the_same_results_give_the_same_bytes(outputs: MakeOutputs):
    chains = outputs()
    write_report(SETTINGS, chains)
    first = files_of_report()
    write_report(SETTINGS, chains)
    assert files_of_report() == first


@pytest.mark.parametrize(
    ("methods", "rounds", "models", "knobs"),
    [
        (["lth"], 2, ("analytic", "events"), {"pes": (8, 16)}),
        (["uticket"], 2, ("analytic",), {}),
        (["lth", "uticket"], 1, ("analytic",), {"pes": (8,)}),
        (["a", "b", "c", "d", "e", "f", "g"], 1, ("analytic", "events"), {"dataflow": ("filters", "input-channels")}),
    ],
    ids=["one method", "one method, not the baseline, no events, no sweep", "one round", "seven methods"],
)
def test_any_run_has_a_page(outputs: MakeOutputs, methods, rounds, models, knobs):
    write_report(SETTINGS, outputs(methods, rounds, models, knobs))
    page, found = REPORT.page.read_text(), json.loads(REPORT.metrics.read_text())
    assert list(found) == methods
    text = re.sub(r"<svg.*?</svg>|<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"\b(None|nan|inf cycles)\b|<tbody>\n</tbody>|<p[^>]*>\s*</p>", text)
    assert (" than lth" in page) == ({"lth", "uticket"} <= set(methods))
    assert ("What the PEs wait for" in page) == ("events" in models)


def test_figures_of_an_earlier_report_are_removed(outputs: MakeOutputs):
    write_report(SETTINGS, outputs())
    assert (REPORT.figures / "sweep-pes.svg").exists()
    write_report(SETTINGS, outputs(knobs={}))
    assert not (REPORT.figures / "sweep-pes.svg").exists()
    assert (REPORT.figures / "rounds.svg").exists()
    assert REPORT.table("sweeps").read_text() == "method,ticket\n"


def test_a_missing_result_leaves_the_earlier_report_as_it_was(outputs: MakeOutputs):
    chains = outputs()
    write_report(SETTINGS, chains)
    before = files_of_report()
    simulation_files("uticket").layers.unlink()
    with pytest.raises(InputError, match="^simulation/uticket/layers.csv: expected a table"):
        write_report(SETTINGS, chains)
    assert files_of_report() == before


def test_methods_with_a_missing_result_are_left_out_if_asked(outputs: MakeOutputs):
    chains = outputs()
    ticket_files("uticket/r02").metrics.unlink()
    write_report(SETTINGS, chains, finished=True)
    page = REPORT.page.read_text()
    assert "uticket is left out: tickets/uticket/r02/metrics.json: expected" in page
    assert {row["method"] for row in read_rows(REPORT.table("rounds"))} == {"lth"}
    ticket_files("dense").metrics.unlink()
    with pytest.raises(InputError, match="^lth is left out: tickets/dense/metrics.json: expected"):
        write_report(SETTINGS, chains, finished=True)


@pytest.mark.parametrize(("module", "loads"), [("uticket.report.write", False), ("pandas", True)])
def test_the_report_starts_without_the_slow_libraries(module: str, loads: bool):
    code = f"import sys, {module}; print(bool({{'torch', 'pandas', 'numba'}} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == str(loads)
