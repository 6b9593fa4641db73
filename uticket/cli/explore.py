"""`uticket explore`: tickets on many arrays."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from uticket.base.errors import InputError
from uticket.base.files import write_rows, write_text
from uticket.base.progress import underway
from uticket.base.text import in_json, plain_table
from uticket.cli.hardware import check_spikes, read_ticket
from uticket.cli.options import Setting, Word, json_option
from uticket.config.block import AtLeastOne, Seed
from uticket.config.tables import MODELS

if TYPE_CHECKING:
    from uticket.config.space import Space
    from uticket.exploring.explore import Explored

MOST_SHOWN = 20  # of the front of a ticket; the CSV has all


@click.command()
@click.argument("folders", metavar="TICKET_DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--space",
    "space_file",
    required=True,
    type=click.Path(path_type=Path),
    help="YAML: settings of hw, lists of values.",
)
@click.option("--out", default=Path("explored"), show_default=True, type=click.Path(path_type=Path), help="Folder.")
@click.option("--model", type=Word(list(MODELS)), default="events", show_default=True, help="Timing model.")
@click.option("--search", type=Setting(AtLeastOne), help="Points that NSGA-II tries; default: all of the grid.")
@click.option("--seed", type=Setting(Seed), default=0, show_default=True, help="Of the search.")
@click.option("--dask", "scheduler", metavar="ADDRESS", help="Scheduler of a Dask cluster; default: threads here.")
@json_option
def explore(
    folders: tuple[Path, ...],
    space_file: Path,
    out: Path,
    model: str,
    search: int | None,
    seed: int,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Audit and simulate tickets on many arrays, and print which are best: latency, energy and area.

    OUT gets explored.csv, a row for each ticket and setting; pareto.svg; and points.jsonl, from which a run that was
    stopped resumes. TICKET_DIR is as for simulate.
    """
    from uticket.config.space import Space
    from uticket.exploring.explore import explore as explore_tickets
    from uticket.exploring.figure import figure_of

    space = Space.read(space_file)
    tickets = {}
    for folder in folders:
        if folder.as_posix() in tickets:
            raise InputError(f"TICKET_DIR: expected each once, got {folder} twice")
        with underway(f"reading {folder}"):
            tickets[folder.as_posix()] = check_spikes(folder, read_ticket(folder))
    found = explore_tickets(tickets, space, model, search, seed, out / "points.jsonl", scheduler)
    write_rows(out / "explored.csv", found.rows)
    write_text(out / "pareto.svg", figure_of(found.rows))
    if as_json:
        rows = [{name: in_json(value) for name, value in row.items()} for row in found.rows]
        click.echo(json.dumps({"model": model, "out": str(out), "rows": rows}, indent=1))
    else:
        click.echo(as_text(found, space))
        click.echo(f"written: {out / 'explored.csv'}, {out / 'pareto.svg'}")


def as_text(found: "Explored", space: "Space") -> str:
    """Return the Pareto fronts as tables: the settings that vary, and what the points cost."""
    varied = [f"hw.{knob}" for knob, values in space.knobs.items() if len(values) > 1]
    names = ["utilization", "latency_cycles", "latency_us", "total_pj", "area_um2"]
    blocks = []
    for ticket in dict.fromkeys(row["ticket"] for row in found.rows):
        front = [row for row in found.front if row["ticket"] == ticket]
        shown = [
            {"ticket": ticket}
            | {name.rpartition(".")[2]: _word(row[name]) for name in varied}
            | {name: row[name] for name in names}
            for row in front[:MOST_SHOWN]
        ]
        more = f"\n{len(front) - MOST_SHOWN} more in the CSV" if len(front) > MOST_SHOWN else ""
        total = sum(row["ticket"] == ticket for row in found.rows)
        blocks.append(f"{plain_table(shown)}{more}\n{len(front)} of {total} points are on the Pareto front")
    return "\n\n".join(blocks)


def _word(value: object) -> str:
    return "as trained" if value is None else str(value)
