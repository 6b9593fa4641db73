from pathlib import Path

import pytest

from uticket.base.errors import InputError
from uticket.base.files import write_rows
from uticket.report.fifo_area import area_figure
from uticket.report.vgg16 import (
    bandwidth_markdown,
    dataflow_markdown,
    energy_markdown,
    latency_markdown,
    network_markdown,
    swap_markdown,
)


def test_network_has_a_row_for_each_method(tmp_path: Path):
    row = {"accuracy_dense": 0.9, "spike_sparsity": 0.85, "sparsity": 0.982, "utilization": 0.59, "images": 4}
    write_rows(tmp_path / "n.csv", [{"method": "lth", "seed": 0, **row}])
    assert network_markdown(tmp_path / "n.csv").splitlines()[2] == "| lth | 98.20 | 59.00 | 85.00 | 4 | 90.00 |"


@pytest.fixture
def latency(tmp_path: Path) -> Path:
    """Three methods; the area of a PE without a FIFO is 100."""
    rows = []
    for model, order, depth, swap, area, cycles in (
        ("analytic", "position", 0, 0, 100, 1000),
        ("analytic", "position", 0, 3, 100, 1100),
        ("events", "position", 0, 0, 100, 900),
        ("events", "position", 8, 0, 120, 800),
        ("events", "position", 64, 0, 150, 700),
        ("events", "position", "inf", 0, "inf", 600),
        ("events", "activation", 8, 0, 120, 750),
        ("events", "activation", 64, 0, 150, 650),
        ("events", "position", 64, 3, 150, 850),
    ):
        for factor, method in ((1.0, "lth"), (0.8, "uticket"), (0.75, "shared")):
            case = {"method": method, "model": model, "order": order, "fifo_depth": depth, "weight_swap_cycles": swap}
            rows.append({**case, "latency_cycles": factor * cycles, "busy_share": 0.5 / factor, "pe_area_um2": area})
    write_rows(tmp_path / "latency.csv", rows)
    return tmp_path / "latency.csv"


def test_area_stands_beside_latency_and_what_it_saves(latency: Path):
    lines = latency_markdown(latency, ("lth", "uticket", "shared")).splitlines()
    assert lines[0].startswith("| model | order | FIFO depth | FIFO, % of the PE without it | lth: busy share % |")
    assert lines[0].endswith("| lth: latency cycles | uticket: latency cycles | shared: latency cycles "
                             "| uticket: saved % | shared: saved % |")  # fmt: skip
    assert lines[2] == "| analytic |  |  |  | 50.00 | 62.50 | 66.67 | 1,000 | 800 | 750 | 20.0 | 25.0 |"
    assert lines[4] == "| events | position | 8 | 20.0 | 50.00 | 62.50 | 66.67 | 800 | 640 | 600 | 20.0 | 25.0 |"
    assert lines[6].startswith("| events | position | inf |  | 50.00 |")
    assert len(lines) == 2 + 7  # weight changes that take time are in the other table


def test_only_the_methods_that_are_asked_for_are_shown(latency: Path):
    assert "uticket" not in latency_markdown(latency, ("lth", "shared"))
    assert latency_markdown(latency, ("lth", "shared")).splitlines()[2].endswith("| 1,000 | 750 | 25.0 |")


def test_dataflows_have_latency_and_energy_of_each_method(tmp_path: Path):
    rows = [
        {
            "method": method,
            "dataflow": dataflow,
            "fifo_depth": depth,
            "latency_cycles": 1000 * depth + n,
            "total_pj": 2e6,
        }
        for dataflow, depth in (("filters", 0), ("filters", 8), ("outputs", 0))
        for n, method in enumerate(("lth", "uticket"))
    ]
    write_rows(tmp_path / "dataflows.csv", rows)
    lines = dataflow_markdown(tmp_path / "dataflows.csv").splitlines()
    assert lines[0].startswith(
        "| dataflow | FIFO depth | lth: latency cycles | uticket: latency cycles | lth: energy uJ |"
    )
    assert lines[3] == "| filters | 8 | 8,000 | 8,001 | 2 | 2 |"
    assert len(lines) == 2 + 3


def test_bandwidth_has_a_row_for_each_way(tmp_path: Path):
    row = {"dataflow": "outputs", "bandwidth": "chip", "latency_cycles": 4000, "memory_cycles": 3000}
    needed = {"weight_sram_cycles": 10, "spike_sram_cycles": 3500, "dram_cycles": 20, "bound": "spike SRAM"}
    write_rows(tmp_path / "b.csv", [row | needed])
    line = bandwidth_markdown(tmp_path / "b.csv").splitlines()[2]
    assert line == "| outputs | chip | 4,000 | 3,000 | 10 | 3,500 | 20 | spike SRAM |"


def test_weight_changes_are_shown_at_the_depths_at_which_they_took_time(latency: Path):
    lines = swap_markdown(latency, ("lth", "shared")).splitlines()
    assert [line.split(" | ")[:4] for line in lines[2:]] == [
        ["| analytic", "", "0", "1,000"],
        ["| analytic", "", "3", "1,100"],
        ["| events", "64", "0", "700"],
        ["| events", "64", "3", "850"],
    ]


def test_figure_has_a_curve_for_each_method_and_order(latency: Path):
    text = area_figure(latency)
    assert text == area_figure(latency)
    for colour in ("#0072b2", "#e69f00", "#000000"):
        assert colour in text


def test_shares_stand_beside_what_the_paper_states(tmp_path: Path):
    parts = {"mac_dynamic_pj": 10.0, "mac_leakage_pj": 5.0, "lif_dynamic_pj": 5.0, "lif_leakage_pj": 10.0}
    parts |= {"mem_dynamic_pj": 8.0, "mem_leakage_pj": 2.0, "fifo_dynamic_pj": 0.0, "fifo_leakage_pj": 0.0}
    parts |= {"sram_dynamic_pj": 10.0, "sram_leakage_pj": 20.0, "dram_pj": 30.0}
    rows = []
    for sparsity in (0.95, 0.98):
        for chip in ("x", "y"):
            case = {"sparsity": sparsity, "model": "analytic", "chip": chip, "format": "wsp"}
            rows.append({**case, "method": "lth", **parts, "pe_pj": 40.0, "total_pj": 100.0})
            saved = {"pe_pj": 30.0, "total_pj": 85.0}
            rows.append({**case, "method": "uticket", **parts, **saved})
    write_rows(tmp_path / "e.csv", rows)
    lines = energy_markdown(tmp_path / "e.csv", "analytic").splitlines()
    assert lines[0] == "| % | paper, 95 % | x, wsp, 95 % | y, wsp, 95 % | x, wsp, 98 % | y, wsp, 98 % |"
    assert lines[2] == "| PEs | about 45 | 40.0 | 40.0 | 40.0 | 40.0 |"
    assert lines[3] == "| PEs, without DRAM |  | 57.1 | 57.1 | 57.1 | 57.1 |"
    assert lines[6] == "| DRAM |  | 30.0 | 30.0 | 30.0 | 30.0 |"
    assert lines[7] == "| MAC dynamic, of the PEs |  | 25.0 | 25.0 | 25.0 | 25.0 |"
    assert lines[-2] == "| uticket: saved of the PEs |  | 25.0 | 25.0 | 25.0 | 25.0 |"
    assert lines[-1] == "| uticket: saved of all | about 19 | 15.0 | 15.0 | 15.0 | 15.0 |"
    with pytest.raises(InputError, match="e.csv: expected the model events, got no such row"):
        energy_markdown(tmp_path / "e.csv", "events")
