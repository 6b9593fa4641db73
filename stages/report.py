"""Write the report: summary.json, tidy tables, figures and the page."""

import json
from dataclasses import fields

import click

from uticket.base.progress import log, start_logging
from uticket.config.params import read_params
from uticket.config.paths import REPORT
from uticket.report.figures import draw, drawable
from uticket.report.page import page
from uticket.report.tables import gather, summarize, summarize_events


@click.command(help=__doc__)
def main() -> None:
    """Gather what all stages wrote into report/."""
    start_logging()
    params = read_params()
    chains = {method: params.by_round(method) for method, tickets in params.tickets.items() if tickets}
    tables = gather(chains, params.round_of)
    summary, events = summarize(tables.rounds), summarize_events(tables.models)
    figures = {name: draw(plot, tables) for name, plot in drawable(tables).items()}

    REPORT.figures.mkdir(parents=True, exist_ok=True)
    REPORT.summary.write_text(json.dumps(summary, indent=1) + "\n")
    REPORT.events.write_text(json.dumps(events, indent=1) + "\n")
    for field in fields(tables):
        getattr(tables, field.name).to_csv(REPORT.table(field.name), index=False)
    for name, svg in figures.items():
        (REPORT.figures / f"{name}.svg").write_text(svg)
    REPORT.page.write_text(page(params.report.title, params.hw.pes, tables, summary, figures))
    log.info("report  %s", REPORT.page)


if __name__ == "__main__":
    main()
