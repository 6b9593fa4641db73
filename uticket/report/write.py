"""Write the report: metrics, tables, figures and the page, from what all stages wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from uticket.base.files import write_json, write_rows, write_text, written_together
from uticket.config.paths import REPORT, ReportFiles
from uticket.config.plan import ChainPlan
from uticket.report.drawing import draw_charts
from uticket.report.page import page
from uticket.report.run import Run
from uticket.report.savings import metrics
from uticket.report.section import Chart
from uticket.report.sections import sections
from uticket.report.tables import gather


def write_report(blocks: Mapping[str, Any], chains: Sequence[ChainPlan]) -> None:
    """Gather the results of all methods, and write what `uticket.config.paths.REPORT` names.

    blocks: those of params.yaml by name. chains: the tickets of each method, in the order in which they are shown. All
    files appear together, or none. Raises InputError, naming the file, if a result is missing or damaged.
    """
    run = Run.read(blocks, chains)
    tables = gather(chains, run.baseline)
    shown = list(sections(tables))
    charts = [part for section in shown for part in section.parts if isinstance(part, Chart)]
    figures = draw_charts(charts, tables)
    text = page(run, tables, shown, figures)

    with written_together(REPORT.folder) as part:
        files = ReportFiles(part)
        write_json(files.metrics, metrics(tables.rounds, run.baseline))
        for field in fields(tables):
            write_rows(files.table(field.name), getattr(tables, field.name), header=["method", "ticket"])
        for name, svg in figures.items():
            write_text(files.figures / f"{name}.svg", svg)
        write_text(files.page, text)
    for path in REPORT.figures.glob("*.svg"):  # of an earlier report
        if path.stem not in figures:
            path.unlink()
