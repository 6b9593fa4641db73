"""The page of the report: all tables and figures in one file."""

from collections.abc import Mapping, Sequence
from functools import partial

from jinja2 import Environment, PackageLoader

from uticket.base.text import TextTable, text_table
from uticket.report.cards import cards
from uticket.report.headline import beside_paper, results_with_errors, warnings
from uticket.report.paired import differences as paired
from uticket.report.paired import listing, sentence
from uticket.report.paper import case, differences
from uticket.report.provenance import changed, facts, is_packaged, machines, settings
from uticket.report.run import Run
from uticket.report.savings import findings
from uticket.report.section import Chart, Section
from uticket.report.tables import Tables


def page(run: Run, tables: Tables, sections: Sequence[Section], figures: Mapping[str, str]) -> str:
    """Return the page as HTML. figures: name -> SVG text, of each chart in `sections`."""
    environment = Environment(
        loader=PackageLoader("uticket.report", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["text_table"] = lambda part: text_table(part.rows(tables))
    environment.filters["spread"] = lambda table: spread_of(table, run.seeds)
    environment.tests["word"] = lambda cell: cell[:1].isalpha()
    environment.tests["chart"] = lambda part: isinstance(part, Chart)
    methods = list(dict.fromkeys(row["method"] for row in tables.rounds))
    environment.globals["method_of_row"] = partial(method_of_row, methods)
    found = paired(tables, run)
    return environment.get_template("page.html.j2").render(
        title=run.blocks["report"].title,
        run=run,
        tables=tables,
        methods=methods if len(methods) > 1 else [],
        cards=cards(tables, run),
        warnings=list(warnings(tables, run)),
        findings=findings(tables.rounds, run.baseline),
        results=text_table(results_with_errors(tables, run)),
        over_seeds=text_table(listing(found, run.baseline)),
        swallowed=sentence(found, run),
        case=case(run),
        beside=text_table(beside_paper(tables, run)),
        differences=text_table(differences(run)),
        sections=sections,
        figures={name: _inline(name, svg) for name, svg in figures.items()},
        facts=text_table(facts(run)),
        machines=text_table(machines(run)),
        is_packaged=is_packaged(),
        changed=text_table(changed(run)),
        settings=text_table([{"setting": row["setting"], "value": row["here"]} for row in settings(run)]),
    )


def method_of_row(methods: Sequence[str], table: TextTable, row: Sequence[str]) -> str:
    """Return the method that a row of a table is of; empty if it is of none."""
    column = next((name for name in ("method", "ticket") if name in table.headings), None)
    found = "" if column is None else row[table.headings.index(column)].partition("/")[0]
    return found if found in methods else ""


def spread_of(table: TextTable, seeds: Sequence[int]) -> str:
    """Return what the ± of a table's cells is in a run of several seeds; empty if there is none."""
    has_spread = seeds and any("±" in cell for row in table.rows for cell in row)
    return f"mean ± one standard deviation over {len(seeds)} seeds" if has_spread else ""


def _inline(name: str, svg: str) -> str:
    """Return a figure as an element of the page, named by its caption for those who do not see it."""
    return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-labelledby="caption-{name}"', 1)
