import pytest

from uticket.base.errors import InputError
from uticket.base.files import write_rows
from uticket.config.paths import simulation_files
from uticket.config.schemas import PES
from uticket.report.busy_pes import busy_pes_figure, cycles_by_pe, title

NOTHING = dict.fromkeys(PES.numbers, 0)


def row(ticket: str, layer: str, pe: int, work: int, wait: int) -> dict:
    key = {"ticket": ticket, "model": "events", "layer": layer, "pe": pe}
    return {**key, **NOTHING, "work_cycles": work, "tail_cycles": wait}


ROWS = [row("m/r01", "conv2", 0, 1, 1), row("m/r02", "conv2", 0, 5, 1), row("m/r02", "conv2", 1, 2, 4)]
ROWS += [row("m/r02", "conv3", 0, 3, 0), row("m/r02", "conv3", 1, 1, 2)]


def test_work_and_latency_of_a_pe_are_summed_over_the_layers_of_the_last_ticket():
    first, second = cycles_by_pe(ROWS)
    assert first == {"pe": 0, "work_cycles": 8, "latency_cycles": 9}
    assert second == {"pe": 1, "work_cycles": 3, "latency_cycles": 9}


def test_a_title_says_the_latency_and_how_busy_the_pes_are():
    assert title("m", cycles_by_pe(ROWS)) == "m: 9 cycles, PEs busy 61%"  # 11 of 18


def test_the_figure_has_a_panel_for_each_method_and_names_a_missing_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for method in ("one", "two"):
        write_rows(simulation_files(method).pes, ROWS)
    svg = busy_pes_figure(["one", "two"])
    assert svg.count('id="axes_') == 2
    assert svg == busy_pes_figure(["one", "two"])
    with pytest.raises(InputError, match="simulation/absent/pes.csv: expected"):
        busy_pes_figure(["absent"])
