"""The page of the report: all tables and figures in one file."""

from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader

from uticket.base.text import TextTable, text_table
from uticket.report.savings import findings, results
from uticket.report.section import Listing, Section
from uticket.report.tables import Tables


def page(
    title: str, pes: int, baseline: str, tables: Tables, sections: Sequence[Section], figures: Mapping[str, str]
) -> str:
    """Return the page as HTML.

    pes: of the array, for the text. baseline: the method that the other ones are compared with. figures: name -> SVG
    text, of each chart in `sections`.
    """

    def as_text(part: Listing) -> TextTable:
        return text_table(part.rows(tables))

    environment = Environment(loader=PackageLoader("uticket.report", "."), autoescape=True, trim_blocks=True)
    environment.filters["text_table"] = as_text
    return environment.get_template("page.html.j2").render(
        title=title,
        pes=pes,
        findings=findings(tables.rounds, baseline),
        results=text_table(results(tables.rounds, baseline)),
        sections=sections,
        figures={name: svg[svg.index("<svg") :] for name, svg in figures.items()},
    )
