"""Numbers as people read them, in every table that is printed."""

from typing import Any

from tabulate import tabulate

HEADINGS = {
    "accuracy": "accuracy %",
    "filter_sparsity": "sparsity %",
    "sparsity": "sparsity %",
    "spike_sparsity": "spike sparsity %",
    "utilization": "utilization %",
    "utilization_before": "utilization before %",
    "utilization_after": "utilization after %",
    "busy_share": "busy share %",
    "fifo_depth": "FIFO depth",
    "fifo_mean": "FIFO mean",
    "fifo_max": "FIFO max",
    "pes": "PEs",
    "weight_bits": "bits",
    "latency_reduction_pct": "latency saved %",
    "energy_reduction_pct": "energy saved %",
    "pe_energy_reduction_pct": "PE energy saved %",
}
FRACTIONS = ("accuracy", "busy_share", "filter_sparsity", "sparsity", "spike_sparsity")


def heading(name: str) -> str:
    """Return the heading of the column `name`."""
    words = name.replace("_", " ").removesuffix(" pj") + (" pJ" if name.endswith("_pj") else "")
    return HEADINGS.get(name, words.replace("dram", "DRAM").replace("sram", "SRAM"))


def cell(name: str, value: Any) -> str:
    """Return one value of the column `name`: fractions in percent, whole numbers grouped by thousands."""
    if isinstance(value, str):
        return value
    if value is None or value != value:  # NaN
        return ""
    if name in FRACTIONS or name.startswith("utilization"):
        return f"{100 * value:.2f}"
    if name.endswith(("_pct", "_mean")):
        return f"{value:.1f}"
    return f"{value:,.0f}"


def plain_table(rows: list[dict[str, Any]]) -> str:
    """Return records as a table for a terminal; the first column is text."""
    names = list(rows[0])
    cells = [[cell(name, row.get(name)) for name in names] for row in rows]
    align = ["left"] + ["right"] * (len(names) - 1)
    headings = [heading(name) for name in names]
    table: str = tabulate(cells, headings, "simple", colalign=align, disable_numparse=True)
    return table
