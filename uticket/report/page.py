"""The page of the report: all tables and figures in one file."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader

from uticket.base.text import cell, heading
from uticket.report.tables import BASELINE, Tables

CYCLES = ["utilization", "work_cycles", "idle_cycles", "latency_cycles", "energy"]
SIZES = ["filters", "weights", "nonzeros", "groups"]
UNSHOWN = ["filters", "weights", "utilization_ceil"]  # the same in every row, or a variant
WAITING = ["busy_share", "latency_cycles", "starved_cycles", "blocked_cycles", "tail_cycles", "fifo_mean", "fifo_max"]


@dataclass(frozen=True)
class TextTable:
    """A table as text, ready to print."""

    headings: list[str]
    rows: list[list[str]]


def text_table(table: pd.DataFrame) -> TextTable:
    """Return `table` with fractions in percent, whole numbers grouped by thousands and readable headings."""
    headings = [heading(name) for name in table.columns]
    rows = [
        [cell(name, value) for name, value in zip(table.columns, row, strict=True)]
        for row in table.itertuples(index=False, name=None)
    ]
    return TextTable(headings, rows)


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


def page(
    title: str,
    pes: int,
    tables: Tables,
    summary: dict[str, dict[str, Any]],
    figures: dict[str, str],
) -> str:
    """Return the page as HTML. summary: as in summary.json; figures: name -> SVG text."""
    environment = Environment(loader=PackageLoader("uticket.report", "."), autoescape=True, trim_blocks=True)
    inline = {name: svg[svg.index("<svg") :] for name, svg in figures.items()}
    who = ["method", "ticket"]
    accuracies = ["method", "round", "ticket", "accuracy", "filter_sparsity", "spike_sparsity", "nonzeros"]
    components = [name for name in tables.models.columns if name.endswith("_pj")]
    accesses = [name for name in tables.models.columns if name.endswith(("_reads", "_writes"))]
    shown = {
        "summary": summary_table(summary),
        "rounds": tables.rounds[[*accuracies, *CYCLES]],
        "layers": tables.layers[[*who, "layer", *SIZES, *CYCLES]],
        "pe_sweep": tables.pe_sweep[[*who, "pes", *CYCLES]],
        "policies": tables.policies.drop(columns=[*UNSHOWN, "nonzeros"]),
        "quantized": tables.quantized.drop(columns=UNSHOWN),
        "models": tables.models[[*who, "model", "utilization", *WAITING, "tokens", "dropped_tokens", "operations"]],
        "energy": tables.models[[*who, "model", *components]],
        "accesses": tables.models[[*who, "model", *accesses]],
        "storage": tables.storage,
    }
    if len(tables.fifo_sweep):
        shown["fifo_sweep"] = tables.fifo_sweep[[*who, "fifo_depth", "utilization", *WAITING]]
        shown["width_sweep"] = tables.width_sweep[[*who, "broadcast_width", "utilization", *WAITING]]
    texts = {name: text_table(table) for name, table in shown.items()}
    return environment.get_template("page.html.j2").render(
        title=title, pes=pes, findings=findings(summary), figures=inline, tables=texts
    )
