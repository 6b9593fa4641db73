"""Each of examples/ runs by itself, in an empty folder, and shows what it says."""

import re
import runpy

import pytest

from tests.helpers import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def check_own_mask(names):
    latency = names["latency"]
    assert latency["balanced", "analytic"] < latency["as it was", "analytic"]
    assert latency["balanced", float("inf")] < latency["as it was", float("inf")]


def check_sweep(names):
    frame = names["frame"]
    assert len(frame) == 2 * 5 * 4
    assert (frame["latency_cycles"] > 0).all()


def check_capture_snntorch(names):
    assert names["accuracy"] > 0.5
    assert ut_utilization(names["balanced"], names["array"]) == 1.0
    assert names["busy"]["real"] < names["busy"]["strewn"] < 1


def check_retrain(names):
    assert names["found"]["uticket"]["utilization"] == 1.0
    assert names["found"]["lth"]["utilization"] < 0.95
    assert min(row["accuracy"] for row in names["found"].values()) > 0.5


def check_own_chip(names):
    assert 0 < names["saved"]["default"] < names["saved"]["leaky"]


def ut_utilization(ticket, array):
    import uticket as ut

    return ut.audit(ticket, array).utilization


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_shows_what_it_says(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    globals()[f"check_{path.stem}"](runpy.run_path(str(path)))


def test_there_are_examples_and_they_are_notebooks():
    assert len(EXAMPLES) == 5
    for path in EXAMPLES:
        cells = re.split(r"^# %%", path.read_text(), flags=re.MULTILINE)
        assert len(cells) > 4, path
        assert cells[1].startswith(" [markdown]\n# # "), path
