"""Which weights to remove and recover, and within what: the choices of balancing, compared over seeds.

Trains a chain of tickets for each choice and each seed, as long as that of lth in params.yaml and with its settings, in
a temporary folder, and writes docs/results/selection.csv. `python -m experiments.selection` takes about a quarter of an
hour on two cores; `python -m experiments.selection --table` writes the table of docs/selection.md from the CSV.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import pandas as pd

from experiments.chains import train_chains, with_chains
from uticket.base.files import read_json
from uticket.base.progress import start_logging
from uticket.config.lineage import method_of
from uticket.config.params import Params, read_params
from uticket.config.paths import DOWNLOADS, TicketFiles
from uticket.data.prepared import Prepared
from uticket.data.sources import prepare
from uticket.hardware.audit import Workload, audit
from uticket.report.readme import write_between
from uticket.ticket.ticket import Ticket

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results" / "selection.csv"
PAGE = ROOT / "docs" / "selection.md"
BEGIN, END = "<!-- written by `python -m experiments.selection --table` -->", "<!-- end -->"

CHOICES: dict[str, dict[str, str] | None] = {
    "lth": None,
    "group-random": {"scope": "group", "mode": "both", "select": "random"},
    "group-magnitude": {"scope": "group", "mode": "both", "select": "magnitude"},
    "layer-random": {"scope": "layer", "mode": "both", "select": "random"},
    "layer-magnitude": {"scope": "layer", "mode": "both", "select": "magnitude"},
}
OTHER_MAPPINGS = ("sorted", "paired")  # of the tickets of lth
OTHER_PES = (8, 32)

Row = dict[str, Any]


@click.command(help=__doc__)
@click.option("--seeds", default=3, show_default=True, help="Number of seeds, counted from 0.")
@click.option("--table", is_flag=True, help="Only write the table into the page.")
def main(seeds: int, table: bool) -> None:
    """Run the comparison, or write its table."""
    if not table:
        start_logging()
        rows: list[Row] = []
        for seed in range(seeds):
            params = with_chains(read_params(ROOT / "params.yaml"), seed, CHOICES, {})
            prepared = prepare(params.data, ROOT / DOWNLOADS, seed)
            with TemporaryDirectory() as folder:
                rows += run(params, prepared, Path(folder))
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(RESULTS, index=False)
    write_between(PAGE, BEGIN, END, markdown(pd.read_csv(RESULTS)))


def run(params: Params, prepared: Prepared, folder: Path) -> list[Row]:
    """Train all chains into `folder`; return a row for each way to run each last ticket."""
    train_chains(params, prepared, folder)
    last = [params.lineage.chain(choice)[-1] for choice in CHOICES]
    return [row for ticket in last for row in results(ticket, TicketFiles(folder / ticket), params)]


def results(ticket: str, files: TicketFiles, params: Params) -> Iterator[Row]:
    """Yield a row for the ticket on the array of the params, and for lth one for each other mapping."""
    choice, metrics, array = method_of(ticket), read_json(files.metrics), params.hw.array
    found = Ticket.read(files.folder, spikes=False)
    shared = {"seed": params.seed, "accuracy": metrics["accuracy"], "sparsity": metrics["sparsity"]}

    def on(**other: Any) -> Workload:
        return audit(found, array.model_copy(update=other)).network

    others = {f"utilization_{pes}_pes": on(pes=pes).utilization for pes in OTHER_PES}
    yield {"choice": choice, **shared, **cost(on()), **others}
    for mapping in OTHER_MAPPINGS if choice == "lth" else ():
        yield {"choice": f"{choice}, {mapping}", **shared, **cost(on(mapping=mapping))}


def cost(network: Workload) -> Row:
    """Return the columns of the table that the analytic model fills."""
    return {"utilization": network.utilization, "latency_cycles": network.latency_cycles}


def markdown(table: pd.DataFrame) -> str:
    """Return mean and standard deviation over the seeds, a line for each choice."""
    percent = ["accuracy", "sparsity", "utilization", *(f"utilization_{pes}_pes" for pes in OTHER_PES)]
    groups = table.groupby("choice", sort=False)
    mean, spread = (groups[[*percent, "latency_cycles"]].agg(how) for how in ("mean", "std"))
    titles = ["accuracy %", "sparsity %", "utilization %", *(f"on {pes} PEs" for pes in OTHER_PES), "latency (cycles)"]
    lines = [f"| choice | {' | '.join(titles)} |", "|---|" + "---:|" * len(titles)]
    for choice in mean.index:
        cells = []
        for name in [*percent, "latency_cycles"]:
            scale, digits = (100, 2) if name in percent else (1, 0)
            value, deviation = scale * mean[name][choice], scale * spread[name][choice]
            cells.append("" if pd.isna(value) else f"{value:,.{digits}f} ± {deviation:,.{digits}f}")
        lines.append(f"| {choice} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
