"""Write the report: metrics, tables, figures and the page, from what all stages wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from uticket.base.errors import InputError
from uticket.base.files import write_bytes, write_json, write_rows, write_text, written_together
from uticket.config.paths import REPORT, ReportFiles
from uticket.config.plan import ChainPlan
from uticket.report.drawing import draw_charts
from uticket.report.latex import latex_tables
from uticket.report.page import page
from uticket.report.run import Run
from uticket.report.savings import metrics
from uticket.report.section import Chart
from uticket.report.sections import sections
from uticket.report.seeds import over_all_seeds
from uticket.report.tables import gather


def write_report(blocks: Mapping[str, Any], chains: Sequence[ChainPlan], finished: bool = False) -> None:
    """Gather the results of all methods, and write what `uticket.config.paths.REPORT` names.

    blocks: those of params.yaml by name. chains: the tickets of each method, in the order in which they are shown. All
    files appear together, or none. Metrics and CSVs are those of the run's own seed, from which `uticket seeds`
    gathers; the page, the figures and what is for papers are means over it and the seeds in `seeds/`. finished: leave
    out methods with a result that is missing or damaged, and say so on the page. Raises InputError, naming the file, if
    a result is missing or damaged; with `finished`, if no method is left.
    """
    whole, left_out = complete(chains) if finished else (chains, [])
    run, chains = Run.read(blocks, whole), whole
    own = gather(chains, run.baseline, run.test_images)
    spread = over_all_seeds(own, blocks)
    run, tables = replace(run, left_out=[*left_out, *spread.left_out], seeds=spread.seeds), spread.tables
    shown = list(sections(tables))
    charts = [part for section in shown for part in section.parts if isinstance(part, Chart)]
    figures = draw_charts(charts, tables)
    latex = latex_tables(tables, run)
    text = page(run, tables, shown, {name: figure.svg for name, figure in figures.items()})

    with written_together(REPORT.folder) as part:
        files = ReportFiles(part)
        write_json(files.metrics, metrics(own.rounds, run.baseline))
        for field in fields(own):
            write_rows(files.table(field.name), getattr(own, field.name), header=["method", "ticket"])
        for name, figure in figures.items():
            write_text(files.figures / f"{name}.svg", figure.svg)
            write_rows(files.figures / f"{name}.csv", figure.points)
            write_bytes(files.paper / f"{name}.pdf", figure.pdf)
        for name, table in latex.items():
            write_text(files.paper / f"{name}.tex", table)
        write_text(files.page, text)
    for path in (*REPORT.figures.glob("*.*"), *REPORT.paper.glob("*.*")):  # of an earlier report
        if path.stem not in (latex if path.suffix == ".tex" else figures):
            path.unlink()


def complete(chains: Sequence[ChainPlan]) -> tuple[list[ChainPlan], list[str]]:
    """Return the chains whose results are all there, and a line for each other one.

    Raises InputError with that line if none is complete.
    """
    whole, left_out = [], []
    for chain in chains:
        try:
            gather([chain], chain.method)
            whole.append(chain)
        except InputError as error:
            left_out.append(f"{chain.method} is left out: {error}.")
    if left_out and not whole:
        raise InputError(left_out[0])
    return whole, left_out
