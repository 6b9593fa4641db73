"""The page of the report: all tables and figures in one file."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader

from uticket.report.tables import BASELINE, Tables

HEADINGS = {
    "accuracy": "accuracy %",
    "filter_sparsity": "sparsity %",
    "spike_sparsity": "spike sparsity %",
    "utilization": "utilization %",
    "pes": "PEs",
    "latency_reduction_pct": "latency saved %",
    "energy_reduction_pct": "energy saved %",
}
FRACTIONS = ("accuracy", "filter_sparsity", "spike_sparsity", "utilization")


@dataclass(frozen=True)
class TextTable:
    """A table as text, ready to print."""

    headings: list[str]
    rows: list[list[str]]


def text_table(table: pd.DataFrame) -> TextTable:
    """Return `table` with fractions in percent, whole numbers grouped by thousands and readable headings."""
    headings = [HEADINGS.get(name, name.replace("_", " ")) for name in table.columns]
    rows = [
        [cell(name, value) for name, value in zip(table.columns, row, strict=True)]
        for row in table.itertuples(index=False, name=None)
    ]
    return TextTable(headings, rows)


def cell(name: str, value: Any) -> str:
    """Return one value of the column `name` as text."""
    if isinstance(value, str):
        return value
    if value is None or value != value:  # NaN
        return ""
    if name in FRACTIONS:
        return f"{100 * value:.2f}"
    if name.endswith("_pct"):
        return f"{value:.1f}"
    return f"{value:,.0f}"


def summary_table(summary: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return summary.json as a table, a row per method."""
    return pd.DataFrame([{"method": method, **numbers} for method, numbers in summary.items()])


def findings(summary: dict[str, dict[str, Any]]) -> list[str]:
    """Say in a sentence for each method what it saves against lth."""
    return [
        f"{method}: {_change(numbers['latency_reduction_pct'])} latency and "
        f"{_change(numbers['energy_reduction_pct'])} energy than {BASELINE}."
        for method, numbers in summary.items()
        if numbers.get("latency_reduction_pct") is not None and numbers["energy_reduction_pct"] is not None
    ]


def _change(reduction_pct: float) -> str:
    return f"{abs(reduction_pct):.1f} % {'less' if reduction_pct >= 0 else 'more'}"


def page(title: str, pes: int, tables: Tables, summary: dict[str, dict[str, Any]], figures: dict[str, str]) -> str:
    """Return the page as HTML. figures: name -> SVG text."""
    environment = Environment(loader=PackageLoader("uticket.report", "."), autoescape=True, trim_blocks=True)
    inline = {name: svg[svg.index("<svg") :] for name, svg in figures.items()}
    return environment.get_template("page.html.j2").render(
        title=title,
        pes=pes,
        findings=findings(summary),
        figures=inline,
        summary=text_table(summary_table(summary)),
        rounds=text_table(tables.rounds.drop(columns=["weights"])),
        layers=text_table(tables.layers),
        pe_sweep=text_table(tables.pe_sweep.drop(columns=["weights", "nonzeros"])),
    )
