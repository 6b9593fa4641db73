import json
import subprocess
from pathlib import Path

import pytest

from tests.report.conftest import SETTINGS, MakeOutputs
from tests.report.test_seeds import write_seeds
from uticket.base.errors import InputError
from uticket.config.params import Params
from uticket.config.paths import REPORT
from uticket.config.schemas import BY_SEED
from uticket.report.benchmarks import stages_markdown
from uticket.report.readme import (
    END,
    begin,
    results_markdown,
    rounded_markdown,
    sweep_markdown,
    write_between,
    write_results,
)
from uticket.report.tables import gather
from uticket.report.write import write_report

PAGES = ["README.md", "docs/simulator.md", "docs/training.md", "docs/masks.md", "docs/reliability.md"]
KILLED = "docs/results/soak.json"  # written once there was an hour of kills
FIGURES = ["docs/figures/vgg16-fifo-area.svg", "docs/figures/busy-pes.svg"]
SOURCES = ["params.yaml", "report/rounds.csv", "report/sweeps.csv", "report/quantized.csv"]
SOURCES += [f"docs/results/vgg16_{name}.csv" for name in ("network", "latency", "energy", "bandwidth", "dataflows")]
SOURCES += ["docs/results/fuzz.json", *(f"simulation/{method}/pes.csv" for method in ("lth", "uticket", "shared"))]
SOURCES += ["seeds/params.yaml", *(f"seeds/{name}.csv" for name in BY_SEED)]
SOURCES += [
    f"benchmarks/results/{name}.json"
    for name in ("simulate", "train", "spikes", "sparse", "stages", "contention", "load")
]
PARAMS = Params.model_construct(**SETTINGS)


def test_results_are_the_last_tickets_and_what_they_save(outputs: MakeOutputs):
    write_report(SETTINGS, outputs())
    lines = results_markdown(PARAMS).splitlines()
    assert lines[0] == (
        "| method | accuracy % | sparsity % | utilization % | latency cycles | latency saved % | energy saved % |"
    )
    assert lines[2].startswith("| dense | 90.00 | 0.00 |")
    assert lines[4] == "| uticket | 90.00 | 75.00 | 70.00 | 64 | 20.0 | 20.0 |"
    assert lines[5:] == ["", "uticket: 20.0 % less latency and 20.0 % less energy than lth."]


def test_results_over_seeds_say_so_with_their_spread(outputs: MakeOutputs):
    chains = outputs()
    write_report(SETTINGS, chains)
    write_seeds(gather(chains, "lth"), [0, 1])  # uticket: accuracy 0.91 and 0.82, latency 640 and 704
    lines = results_markdown(PARAMS).splitlines()
    assert lines[4] == "| uticket | 86.50 ± 6.36 | 75.00 | 70.00 | 672 ± 45 | 20.0 | 20.0 |"
    assert lines[6].startswith("Mean ± one standard deviation over the seeds 0, 1. uticket: 20.0 ± 0.0 % less ")


def test_a_sweep_has_a_row_for_each_value_and_the_methods_side_by_side(outputs: MakeOutputs):
    write_report(SETTINGS, outputs())
    lines = sweep_markdown(REPORT.table("sweeps"), "broadcast.fifo_depth").splitlines()
    assert lines[0].startswith("| FIFO depth | lth: busy share % | lth: latency cycles | uticket: busy share % | ")
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| 0", "| 4", "| inf"]
    assert lines[2] == "| 0 | 75.00 | 70 | 75.00 | 54 |"
    with pytest.raises(InputError, match="sweeps.csv: expected the knob broadcast.width and the model events, got no"):
        sweep_markdown(REPORT.table("sweeps"), "broadcast.width")


def test_rounding_has_a_row_for_each_method_number_of_bits_and_quantizer(outputs: MakeOutputs):
    write_report(SETTINGS, outputs())
    lines = rounded_markdown(REPORT.table("quantized")).splitlines()
    assert len(lines) == 2 + 2 * 2 * 2
    assert lines[2] == "| lth | 8 | plain | 85.00 | 36 | 70.00 | 75.00 |"  # 300 cycles of work, 100 idle ones


def test_stages_are_counted_as_often_as_they_run(tmp_path):
    stages = {"data": {"runs": 1, "before": 4.0, "now": 3.96}, "ticket": {"runs": 18, "before": 15.0, "now": 14.5}}
    report = {"cpu_seconds": stages, "cpu_seconds_of_make": {"before": 274.0, "now": 265.0}}
    (tmp_path / "stages.json").write_text(json.dumps(report))
    assert stages_markdown(tmp_path / "stages.json").splitlines()[2:] == [
        "| data | 1 | 4.0 | 4.0 | 4 | 4 |",
        "| ticket | 18 | 15.0 | 14.5 | 270 | 261 |",
        "| together |  |  |  | 274 | 265 |",
    ]


def test_results_stand_between_the_markers_and_nothing_else_changes(tmp_path):
    page, mark = tmp_path / "page.md", begin("results")
    page.write_text(f"above\n{mark}\nold\n{END}\nbelow\n")
    write_between(page, mark, END, "new")
    assert page.read_text() == f"above\n{mark}\nnew\n{END}\nbelow\n"
    page.write_text("no markers")
    with pytest.raises(InputError, match="page.md: expected the markers .* got none"):
        write_between(page, mark, END, "new")
    with pytest.raises(InputError, match="absent.md: expected a text file, got no file"):
        write_between(tmp_path / "absent.md", mark, END, "new")


def test_only_the_readme_is_needed(outputs: MakeOutputs, monkeypatch: pytest.MonkeyPatch):
    write_report(SETTINGS, outputs())
    monkeypatch.setattr("uticket.report.readme.read_params", lambda: PARAMS)
    Path("README.md").write_text(f"{begin('results')}\n{END}\n")
    assert write_results() == [Path("README.md")]
    assert results_markdown(PARAMS) in Path("README.md").read_text()


def test_pages_hold_the_results_of_the_committed_run(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name in [*PAGES, *FIGURES, *SOURCES, *([KILLED] if (root / KILLED).exists() else [])]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            subprocess.run(["git", "show", f"HEAD:{name}"], cwd=root, capture_output=True, check=True).stdout
        )
    before = {name: (tmp_path / name).read_text() for name in [*PAGES, *FIGURES]}
    assert write_results() == [Path(name) for name in PAGES]
    assert {name: (tmp_path / name).read_text() for name in before} == before
    assert "| vgg16 at 32 x 32 | 2 % |" in before["docs/training.md"]
