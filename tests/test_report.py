import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from uticket.base.errors import InputError
from uticket.base.text import cell, heading
from uticket.config.paths import ReportFiles
from uticket.report.figures import FIGURES, draw, drawable
from uticket.report.page import findings, text_table
from uticket.report.readme import (
    BEGIN,
    END,
    results_markdown,
    update_readme,
    update_simulator_page,
    update_training_page,
)
from uticket.report.tables import EVENT_COLUMNS, SUMMARY_COLUMNS, Tables, reduction_pct, summarize, summarize_events


def rounds(*methods: str) -> pd.DataFrame:
    """Two rounds of made-up results of each method; costs are 100, 10 and 9, 8, ... for the methods in turn."""
    rows = []
    for place, method in enumerate(methods):
        for number, ticket, cost in ((0, "dense", 100), (1, f"{method}/r01", 10 - place)):
            numbers = dict.fromkeys(SUMMARY_COLUMNS, 0.5) | {"latency_cycles": cost, "energy": cost / 2}
            rows.append({"method": method, "round": number, "ticket": ticket, **numbers})
    return pd.DataFrame(rows)


def test_summary_has_the_last_ticket_of_each_method_and_what_it_saves_against_lth():
    summary = summarize(rounds("lth", "uticket", "mine"))
    assert list(summary) == ["dense", "lth", "uticket", "mine"]
    assert summary["dense"]["latency_cycles"] == 100
    assert summary["lth"].keys() == summary["dense"].keys() == set(SUMMARY_COLUMNS)
    assert summary["uticket"]["latency_reduction_pct"] == pytest.approx(10.0)
    assert summary["mine"]["energy_reduction_pct"] == pytest.approx(20.0)
    json.dumps(summary, allow_nan=False)


def test_summary_of_the_event_model_compares_latency_and_energy_of_the_pes():
    rows = [("lth", "analytic", 9), ("lth", "events", 10), ("uticket", "events", 8)]
    models = pd.DataFrame([{"method": m, "model": k, **dict.fromkeys(EVENT_COLUMNS, cost)} for m, k, cost in rows])
    summary = summarize_events(models)
    assert summary["lth"] == dict.fromkeys(EVENT_COLUMNS, 10.0)
    assert summary["uticket"]["latency_reduction_pct"] == pytest.approx(20.0)
    assert summary["uticket"]["pe_energy_reduction_pct"] == pytest.approx(20.0)
    assert summarize_events(models[models["model"] == "analytic"]) == {}


def test_without_lth_nothing_is_compared():
    assert summarize(rounds("uticket"))["uticket"].keys() == set(SUMMARY_COLUMNS)


def test_reduction_against_nothing_is_unknown():
    assert reduction_pct(3, 4) == 25.0
    assert reduction_pct(3, 0) is None


def test_numbers_are_printed_for_people():
    assert cell("accuracy", 0.97222) == "97.22"
    assert cell("fifo_mean", 1.26) == "1.3"
    assert heading("spike_sram_reads") == "spike SRAM reads"
    assert (heading("dram_pj"), heading("pe_pj")) == ("DRAM pJ", "pe pJ")
    assert cell("latency_cycles", 1234567) == "1,234,567"
    assert cell("energy_reduction_pct", 13.84) == "13.8"
    assert cell("energy_reduction_pct", None) == cell("energy_reduction_pct", float("nan")) == ""
    table = text_table(pd.DataFrame({"method": ["a"], "spike_sparsity": [0.5]}))
    assert (table.headings, table.rows) == (["method", "spike sparsity %"], [["a", "50.00"]])


def test_findings_say_more_when_a_method_costs_more():
    summary = {"mine": {"latency_reduction_pct": -12.0, "energy_reduction_pct": 3.0}, "lth": {}}
    assert findings(summary) == ["mine: 12.0 % more latency and 3.0 % less energy than lth."]


def test_figures_are_the_same_bytes_for_the_same_tables():
    table = rounds("lth", "uticket")
    layers = pd.DataFrame({"method": ["lth", "uticket"] * 2, "layer": ["a", "a", "b", "b"], "utilization": 0.5})
    sweep = pd.DataFrame({"method": ["lth", "lth"], "pes": [2, 4], "utilization": 0.5, "latency_cycles": [9, 5]})
    tickets = ["dense", "dense", "lth/r01"]
    curves = {"method": ["dense", "dense", "lth"], "round": [0, 0, 1], "epoch": [1, 2, 1], "test_accuracy": 0.5}
    training = pd.DataFrame({"ticket": tickets, **curves})
    methods = {"method": ["lth", "uticket"], "model": ["analytic", "events"]}
    parts = {f"{name}_{kind}_pj": 1.0 for name in ("mac", "lif", "mem") for kind in ("dynamic", "leakage")}
    fifo = pd.DataFrame({"method": "lth", "fifo_depth": ["0", "unlimited"], "utilization": 0.5, "busy_share": 0.6})
    tables = Tables(
        table.assign(filter_sparsity=[0.0, 0.9] * 2, sram_reads=5, dram_reads=3),
        layers,
        sweep,
        training=training,
        models=pd.DataFrame({**methods, **parts}),
        fifo_sweep=fifo,
        width_sweep=fifo.rename(columns={"fifo_depth": "broadcast_width"}),
        **dict.fromkeys(["policies", "quantized", "storage"], pd.DataFrame()),
    )
    assert drawable(tables) == FIGURES
    assert "waiting" not in drawable(replace(tables, fifo_sweep=fifo[:0]))
    for plot in FIGURES.values():
        svg = draw(plot, tables)
        assert "<svg" in svg
        assert svg == draw(plot, tables)


def test_results_stand_between_the_markers_and_nothing_else_changes(tmp_path):
    summary = tmp_path / "summary.json"
    summary.write_text(json.dumps(summarize(rounds("lth", "uticket"))))
    readme = tmp_path / "README.md"
    readme.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    update_readme(readme, summary)
    assert readme.read_text() == f"above\n{BEGIN}\n{results_markdown(summary)}\n{END}\nbelow\n"
    assert "| lth | 50.00 |" in readme.read_text()
    with pytest.raises(InputError, match="absent.json: expected JSON that an earlier stage wrote"):
        update_readme(readme, tmp_path / "absent.json")
    readme.write_text("no markers")
    with pytest.raises(InputError, match="expected the markers"):
        update_readme(readme, summary)


def committed(root: Path, name: str) -> str:
    command = ["git", "show", f"HEAD:{name}"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


def test_results_in_the_readme_are_those_of_the_committed_run(root, tmp_path):
    (tmp_path / "summary.json").write_text(committed(root, "report/summary.json"))
    assert results_markdown(tmp_path / "summary.json") in committed(root, "README.md")


def test_tables_of_the_pages_are_those_of_the_committed_run(root, tmp_path):
    report = ReportFiles(tmp_path)
    for name in ("fifo_sweep", "width_sweep"):
        report.table(name).write_text(committed(root, f"report/{name}.csv"))
    benchmark, page = tmp_path / "simulate.json", tmp_path / "simulator.md"
    benchmark.write_text(committed(root, "benchmarks/results/simulate.json"))
    page.write_text(committed(root, "docs/simulator.md"))
    update_simulator_page(page, report, benchmark)
    assert page.read_text() == committed(root, "docs/simulator.md")
    assert "| 64 |" in page.read_text()
    training, results = tmp_path / "training.md", [tmp_path / "train.json", tmp_path / "sparse.json"]
    training.write_text(committed(root, "docs/training.md"))
    for path in results:
        path.write_text(committed(root, f"benchmarks/results/{path.name}"))
    update_training_page(training, *results)
    assert training.read_text() == committed(root, "docs/training.md")
    assert "| vgg16 at 32 x 32 | 2 % |" in training.read_text()
    assert "| vgg16 at 32 x 32 | spikingjelly multi-step torch |" in training.read_text()
    benchmark.unlink()
    with pytest.raises(InputError, match="simulate.json: expected JSON that an earlier stage wrote"):
        update_simulator_page(page, report, benchmark)
