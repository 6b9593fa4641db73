import json
import subprocess

import pandas as pd
import pytest

from uticket.errors import InputError
from uticket.readme import BEGIN, END, results_markdown, update_readme
from uticket.report.figures import FIGURES, draw
from uticket.report.page import findings, text_table
from uticket.report.tables import SUMMARY_COLUMNS, Tables, reduction_pct, summarize
from uticket.text import cell


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


def test_without_lth_nothing_is_compared():
    assert summarize(rounds("uticket"))["uticket"].keys() == set(SUMMARY_COLUMNS)


def test_reduction_against_nothing_is_unknown():
    assert reduction_pct(3, 4) == 25.0
    assert reduction_pct(3, 0) is None


def test_numbers_are_printed_for_people():
    assert cell("accuracy", 0.97222) == "97.22"
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
    unused = pd.DataFrame()
    tables = Tables(table, layers, sweep, policies=unused, quantized=unused, training=training)
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
    with pytest.raises(InputError, match="absent.json: expected the summary of a run"):
        update_readme(readme, tmp_path / "absent.json")
    readme.write_text("no markers")
    with pytest.raises(InputError, match="expected the markers"):
        update_readme(readme, summary)


def test_results_in_the_readme_are_those_of_the_committed_run(root, tmp_path):
    def committed(name: str) -> str:
        return subprocess.run(
            ["git", "show", f"HEAD:{name}"], cwd=root, capture_output=True, text=True, check=True
        ).stdout

    (tmp_path / "summary.json").write_text(committed("report/summary.json"))
    assert results_markdown(tmp_path / "summary.json") in committed("README.md")
