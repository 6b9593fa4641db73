"""Write the report: metrics, tables, figures and the page, from what all stages wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from uticket.base.files import write_json, write_rows, write_text
from uticket.config.params import Report
from uticket.config.paths import REPORT
from uticket.config.plan import ChainPlan
from uticket.report.drawing import draw_charts
from uticket.report.page import page
from uticket.report.savings import metrics
from uticket.report.section import Chart
from uticket.report.sections import sections
from uticket.report.tables import Tables, gather


def write_report(settings: Report, pes: int, chains: Sequence[ChainPlan]) -> None:
    """Gather the results of all methods, and write what `uticket.config.paths.REPORT` names.

    pes: of the array. chains: the tickets of each method, in the order in which they are shown. Each file appears whole
    or not at all, the page last. Raises InputError, naming the file, if a result is missing or damaged.
    """
    tables = gather(chains, settings.baseline)
    shown = list(sections(tables))
    charts = [part for section in shown for part in section.parts if isinstance(part, Chart)]
    figures = draw_charts(charts, tables)
    text = page(settings.title, pes, settings.baseline, tables, shown, figures)

    write_json(REPORT.metrics, metrics(tables.rounds, settings.baseline))
    write_tables(tables)
    write_figures(figures)
    write_text(REPORT.page, text)


def write_tables(tables: Tables) -> None:
    """Write each table as CSV."""
    for field in fields(tables):
        write_rows(REPORT.table(field.name), getattr(tables, field.name), header=["method", "ticket"])


def write_figures(figures: Mapping[str, str]) -> None:
    """Write the figures, SVG text by name, and remove those of an earlier report that are not among them."""
    for name, svg in figures.items():
        write_text(REPORT.figures / f"{name}.svg", svg)
    for path in REPORT.figures.glob("*.svg"):
        if path.stem not in figures:
            path.unlink()
