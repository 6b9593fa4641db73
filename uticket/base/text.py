"""Numbers as people read them, in every table that is printed: on a terminal, in Markdown, on the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from uticket.base.files import Row
from uticket.base.spread import Mean, plus_minus

HEADINGS = {
    "accuracy": "accuracy %",
    "best_epoch_accuracy": "best epoch's accuracy %",
    "test_accuracy": "test accuracy %",
    "train_accuracy": "training accuracy %",
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
    "pe_area_um2": "PE area um2",
    "pe_pj": "PE pJ",
    "weight_bits": "bits",
    "latency_saved_pct": "latency saved %",
    "energy_saved_pct": "energy saved %",
    "pe_energy_saved_pct": "PE energy saved %",
}
ACCURACIES = ("accuracy", "best_epoch_accuracy", "test_accuracy", "train_accuracy")
FRACTIONS = (*ACCURACIES, "busy_share", "sparsity", "spike_sparsity")


@dataclass(frozen=True)
class TextTable:
    """A table as text, ready to print."""

    headings: list[str]
    rows: list[list[str]]


def heading(name: str) -> str:
    """Return the heading of the column `name`."""
    words = name.replace("_", " ").removesuffix(" pj") + (" pJ" if name.endswith("_pj") else "")
    return HEADINGS.get(name, words.replace("dram", "DRAM").replace("sram", "SRAM"))


def cell(name: str, value: Any) -> str:
    """Return one value of the column `name`: fractions in percent, whole numbers grouped by thousands.

    A mean over seeds has its standard deviation: `57.33 ± 1.20`.
    """
    if isinstance(value, Mean):
        return plus_minus(partial(_cell, name), value)
    return _cell(name, value)


def _cell(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or value != value:  # NaN
        return ""
    if name in FRACTIONS or name.startswith("utilization"):
        return f"{100 * value:.2f}"
    if name.endswith(("_pct", "_mean", "_us")):
        return f"{value:.1f}"
    return f"{value:.3f}" if name == "loss" else f"{value:,.0f}"


def text_table(rows: Sequence[Row]) -> TextTable:
    """Return rows as text, with the columns of all rows; columns that are empty in every row are left out.

    Means over seeds have no standard deviation in a column where it is 0 throughout, such as the number of filters.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: _cells(name, [row.get(name) for row in rows]) for name in names}
    columns = {name: cells for name, cells in columns.items() if any(cells)}
    return TextTable(
        [heading(name) for name in columns], [list(cells) for cells in zip(*columns.values(), strict=True)]
    )


def _cells(name: str, values: Sequence[Any]) -> list[str]:
    form = cell if any(isinstance(value, Mean) and value.sd for value in values) else _cell
    return [form(name, value) for value in values]


def in_json(value: Any) -> Any:
    """Return a value as JSON holds it, with inf as text."""
    return "inf" if value == float("inf") else value


def plain_table(rows: Sequence[Row]) -> str:
    """Return rows as a table for a terminal; the first column is text."""
    table = text_table(rows)
    lines = [table.headings, *table.rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(line: list[str], widths: list[int]) -> str:
    first, *others = zip(line, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])


def markdown_table(rows: Sequence[Row]) -> str:
    """Return rows as a table in Markdown; the first column is text."""
    table = text_table(rows)
    lines = [table.headings, ["---", *["---:"] * (len(table.headings) - 1)], *table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
