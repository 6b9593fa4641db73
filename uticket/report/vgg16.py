"""What `experiments/vgg16_costs.py` found, as tables of docs/simulator.md.

The first method of a file is the baseline that the other methods are compared with.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from uticket.base.errors import InputError
from uticket.base.files import Row
from uticket.base.text import cell, heading, markdown_table
from uticket.config.schemas import BANDWIDTH, CASE, DATAFLOWS, LATENCY, NETWORK, VGG16_ENERGY

PAPER = {(0.95, "PEs"): "about 45", (0.95, "saved of all"): "about 19"}  # Yin et al. 2024, Fig. 9 and its text, in %
PE_PARTS = ("mac", "lif", "mem")  # Fig. 8, each dynamic and leakage

Cells = dict[str, str]


def network_markdown(path: Path) -> str:
    """Return what was trained and drawn."""
    rows = NETWORK.read(path)
    shown = ("method", "sparsity", "utilization", "spike_sparsity", "images")
    dense = "accuracy of the dense network %"
    found = [{key: row[key] for key in shown} | {dense: cell("accuracy", row["accuracy_dense"])} for row in rows]
    return markdown_table(found)


def latency_markdown(path: Path, methods: Sequence[str]) -> str:
    """Return latency, busy share and area by depth of the FIFOs and order of the tokens, with free weight changes."""
    rows = [row for row in read_cases(path) if row["weight_swap_cycles"] == 0 and row["method"] in methods]
    bare = min(row["pe_area_um2"] for row in rows)
    return markdown_table([_depth(group, bare) for group in _by_case(rows)])


def _depth(group: Sequence[Row], bare: float) -> Cells:
    """Return a row of the table; bare: area of a PE without a FIFO."""
    first, area = group[0], group[0]["pe_area_um2"]
    events = first["model"] == "events"
    row = {"model": first["model"], "order": first["order"] if events else "", "FIFO depth": _depth_cell(first)}
    row["FIFO, % of the PE without it"] = f"{100 * (area / bare - 1):.1f}" if events and math.isfinite(area) else ""
    for found in group:
        row[f"{found['method']}: busy share %"] = cell("busy_share", found["busy_share"])
    return row | _latencies(group)


def swap_markdown(path: Path, methods: Sequence[str]) -> str:
    """Return latency by the cycles of a weight change and the depth of the FIFOs."""
    rows = [row for row in read_cases(path) if row["order"] == "position" and row["method"] in methods]
    depths = {row["fifo_depth"] for row in rows if row["weight_swap_cycles"] > 0 and row["model"] == "events"}
    found = [row for row in rows if row["model"] == "analytic" or row["fifo_depth"] in depths]
    return markdown_table([_swap(group) for group in sorted(_by_case(found), key=_swap_order)])


def _swap_order(group: Sequence[Row]) -> tuple[bool, float, int]:
    return group[0]["model"] != "analytic", group[0]["fifo_depth"], group[0]["weight_swap_cycles"]


def _swap(group: Sequence[Row]) -> Cells:
    first = group[0]
    case = {"model": first["model"], "FIFO depth": _depth_cell(first)}
    return case | {"cycles of a weight change": str(first["weight_swap_cycles"])} | _latencies(group)


def _depth_cell(row: Row) -> str:
    return f"{row['fifo_depth']:g}" if row["model"] == "events" else ""


def _latencies(group: Sequence[Row]) -> Cells:
    """Return the latency of each method, and what it saves of that of the first."""
    base, row = group[0]["latency_cycles"], Cells()
    for found in group:
        row[f"{found['method']}: latency cycles"] = cell("latency_cycles", found["latency_cycles"])
    for found in group[1:]:
        row[f"{found['method']}: saved %"] = f"{100 * (1 - found['latency_cycles'] / base):.1f}"
    return row


def dataflow_markdown(path: Path) -> str:
    """Return latency and energy by dataflow and depth of the FIFOs."""
    rows = DATAFLOWS.read(path)
    return markdown_table([_dataflow(group) for group in _by(rows, "dataflow", "fifo_depth").values()])


def _dataflow(group: Sequence[Row]) -> Cells:
    row = {"dataflow": group[0]["dataflow"], "FIFO depth": f"{group[0]['fifo_depth']:g}"}
    for found in group:
        row[f"{found['method']}: latency cycles"] = cell("latency_cycles", found["latency_cycles"])
    for found in group:
        row[f"{found['method']}: energy uJ"] = f"{found['total_pj'] / 1e6:,.0f}"
    return row


def bandwidth_markdown(path: Path) -> str:
    """Return latency, what memories add to it, and what binds, by dataflow and bandwidth."""
    shown = ("dataflow", "bandwidth", "latency_cycles", "memory_cycles", "weight_sram_cycles", "spike_sram_cycles")
    rows = BANDWIDTH.read(path)
    return markdown_table([{name: row[name] for name in (*shown, "dram_cycles", "bound")} for row in rows])


def energy_markdown(path: Path, model: str) -> str:
    """Return the shares of energy by chip and format of the weights, and what balancing saves; first, the paper's."""
    rows = [row for row in VGG16_ENERGY.read(path) if row["model"] == model]
    if not rows:
        raise InputError(f"{path}: expected the model {model}, got no such row")
    table: dict[str, Cells] = {}
    for (sparsity,), at in _by(rows, "sparsity").items():
        found = {f"{chip}, {form}": _shares(group) for (chip, form), group in _by(at, "chip", "format").items()}
        for name in next(iter(found.values())):
            row = table.setdefault(name, {"%": name})
            row[f"paper, {100 * sparsity:g} %"] = PAPER.get((sparsity, name.split(":")[-1].strip()), "")
            row |= {f"{chip}, {100 * sparsity:g} %": f"{shares[name]:.1f}" for chip, shares in found.items()}
    return markdown_table(list(table.values()))


def _shares(group: Sequence[Row]) -> dict[str, float]:
    """Return the shares of the first method's energy, and what each other saves of it, in percent."""
    first, *others = group
    total, pes = first["total_pj"], first["pe_pj"]
    shares = {"PEs": 100 * pes / total, "PEs, without DRAM": 100 * pes / (total - first["dram_pj"])}
    for name in ("sram_dynamic_pj", "sram_leakage_pj", "dram_pj"):
        shares[heading(name).removesuffix(" pJ")] = 100 * first[name] / total
    for name in (f"{part}_{kind}_pj" for part in (*PE_PARTS, "fifo") for kind in ("dynamic", "leakage")):
        if name in first:
            part, kind, _ = name.split("_")
            shares[f"{part.upper()} {kind}, of the PEs"] = 100 * first[name] / pes
    for other in others:
        shares[f"{other['method']}: saved of the PEs"] = 100 * (1 - other["pe_pj"] / pes)
        shares[f"{other['method']}: saved of all"] = 100 * (1 - other["total_pj"] / total)
    return shares


def read_cases(path: Path) -> list[Row]:
    """Return the rows of vgg16_latency.csv: one for each method and way to run it."""
    return LATENCY.read(path)


def _by_case(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the rows of each way to run, one for each method, in the order of the rows."""
    return list(_by(rows, *CASE).values())


def _by(rows: Sequence[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups
