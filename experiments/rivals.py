"""Tickets on the array of params.yaml and on published accelerators.

The tickets: the last one of each method, which `dvc repro` made, and the VGG-16 with made-up masks of
`experiments.vgg16_costs`. `python -m experiments.rivals` writes docs/results/rivals.csv, a row for each layer, within a
minute if that network is trained; `python -m experiments.rivals --table` only writes the table of docs/rivals.md.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pandas as pd

from experiments.vgg16 import params_of, trained
from experiments.vgg16_costs import SPARSITY, balanced
from uticket.base.text import markdown_table
from uticket.config.params import Params, read_params
from uticket.config.paths import ticket_files
from uticket.config.tables import RIVALS
from uticket.hardware.simulation import simulate
from uticket.report.readme import write_between
from uticket.rivals.compare import compare_rivals
from uticket.ticket.ticket import Ticket

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results" / "rivals.csv"
PAGE = ROOT / "docs" / "rivals.md"
BEGIN, END = "<!-- written by `python -m experiments.rivals --table` -->", "<!-- end -->"
VGG16 = ("lth", "uticket")  # methods of `experiments.vgg16_costs`
OURS = {
    "events": ("this array, event model", "neurons, weights"),
    "unlimited": ("the same, FIFOs of any depth", "neurons, weights"),
    "analytic": ("this array, analytic model", "weights"),
}

Row = dict[str, Any]


@click.command(help=__doc__)
@click.option("--table", is_flag=True, help="Only write the table into the page.")
def main(table: bool) -> None:
    """Compare the tickets, or write the table."""
    if not table:
        params = read_params(ROOT / "params.yaml")
        network = trained(params_of(params, seed=0), ROOT)
        drawn = balanced(network, SPARSITY, seed=0)
        rows = run({**last_tickets(params), **{f"vgg16, {name}": drawn[name] for name in VGG16}}, params)
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(RESULTS, index=False)
    write_between(PAGE, BEGIN, END, markdown(pd.read_csv(RESULTS)))


def last_tickets(params: Params) -> dict[str, Ticket]:
    """Return the last ticket of each method by name."""
    names = [params.lineage.chain(method)[-1] for method in params.lineage.methods]
    return {name: Ticket.read(ROOT / ticket_files(name).folder) for name in names}


def run(tickets: Mapping[str, Ticket], params: Params) -> Iterator[Row]:
    """Yield a row for each layer of each ticket."""
    array, broadcast = params.hw.array, params.hw.broadcast
    unlimited = broadcast.model_copy(update={"fifo_depth": math.inf})
    for name, ticket in tickets.items():
        compared, never_full = compare_rivals(ticket, array, broadcast), simulate(ticket, array, unlimited)
        for cycles, other in zip(compared.layers, never_full.layers, strict=True):
            yield {"ticket": name, "layer": cycles.name, "unlimited": other.latency_cycles, **cycles.columns()}


def markdown(table: pd.DataFrame) -> str:
    """Return the cycles of the network, a line for each accelerator, and their ratio to those of the event model."""
    networks = table.groupby("ticket", sort=False)[[*OURS, *RIVALS]].sum()
    return markdown_table([_line(name, networks) for name in networks])


def _line(name: str, networks: pd.DataFrame) -> Row:
    if name in OURS:
        title, skips = OURS[name]
    else:
        title, skips = RIVALS[name].title, ", ".join(RIVALS[name].skips) or "nothing"
    line = {"accelerator": title, "skips": skips}
    for ticket, cycles in networks.iterrows():
        line |= {f"{ticket}: cycles": cycles[name], f"{ticket}: ratio": f"{cycles[name] / cycles['events']:.2f}"}
    return line


if __name__ == "__main__":
    main()
