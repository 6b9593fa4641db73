"""Numbers as people read them, in every table that is printed: on a terminal, in Markdown, on the page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from textwrap import wrap
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
    "events_latency_cycles": "event latency",
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
    """A table as text, ready to print. texts: number of first columns that are text; the other ones are numbers."""

    headings: list[str]
    rows: list[list[str]]
    texts: int = 1

    def of_columns(self, numbers: Sequence[int]) -> "TextTable":
        """Return some columns, by their numbers."""
        rows = [[row[n] for n in numbers] for row in self.rows]
        return TextTable([self.headings[n] for n in numbers], rows, self.texts)


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
    return plain(text_table(rows))


def plain(table: TextTable) -> str:
    """Return a table for a terminal; headings may have several lines."""
    widths, heads = _widths(table), [name.split("\n") for name in table.headings]
    height = max(map(len, heads))
    lines = [list(line) for line in zip(*([""] * (height - len(head)) + head for head in heads), strict=True)]
    lines += [["-" * width for width in widths], *table.rows]
    return "\n".join(_aligned(line, widths, table.texts) for line in lines)


def _widths(table: TextTable) -> list[int]:
    columns = zip(table.headings, *table.rows, strict=True)
    return [max(len(line) for text in column for line in text.split("\n")) for column in columns]


def _aligned(line: list[str], widths: list[int], texts: int) -> str:
    cells = [cell.ljust(width) for cell, width in zip(line[:texts], widths, strict=False)]
    cells += [cell.rjust(width) for cell, width in zip(line[texts:], widths[texts:], strict=True)]
    return "  ".join(cells).rstrip()


def in_width(table: TextTable, most: int) -> list[TextTable]:
    """Return a table in pieces of at most `most` characters in a line, as far as possible, with headings in lines.

    Each piece has the first columns, those of text, and some of the other ones.
    """
    table = replace(table, headings=[_in_lines(*column) for column in zip(table.headings, *table.rows, strict=True)])
    widths = _widths(table)
    start = sum(width + 2 for width in widths[: table.texts]) - 2
    pieces, used = [list[int]()], start
    for n in range(table.texts, len(widths)):
        if used + 2 + widths[n] > most and pieces[-1]:
            pieces.append([])
            used = start
        pieces[-1].append(n)
        used += 2 + widths[n]
    return [table.of_columns([*range(table.texts), *piece]) for piece in pieces]


def _in_lines(name: str, *cells: str) -> str:
    """Return a heading in lines as long as its column is wide, or as its longest word."""
    return "\n".join(wrap(name, max(map(len, (*name.split(), *cells))), break_on_hyphens=False)) or name


def markdown_table(rows: Sequence[Row]) -> str:
    """Return rows as a table in Markdown; the first column is text."""
    return markdown(text_table(rows))


def markdown(table: TextTable) -> str:
    """Return a table in Markdown."""
    rules = ["---"] * table.texts + ["---:"] * (len(table.headings) - table.texts)
    lines = [[cell.replace("|", "\\|") for cell in line] for line in (table.headings, *table.rows)]
    lines.insert(1, rules)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
