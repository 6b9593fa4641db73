"""Accuracy against latency under real spikes: LTH, u-Ticket and shared patterns, compared over seeds.

`python -m experiments.pareto digits --seeds 5` trains a chain of tickets for each method and seed, and writes
docs/results/pareto-digits.csv: a row for each ticket. It goes on where it was stopped: tickets stay in .uticket/pareto,
and chains that are in the CSV are not trained again. `python -m experiments.pareto_page` fills docs/sharing.md from it.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import pandas as pd

from experiments.chains import merged, train_chains, with_chains
from experiments.pareto_methods import DATA, METHODS
from uticket.base.files import read_json, write_json, write_text
from uticket.base.progress import log, start_logging
from uticket.config.array import Broadcast
from uticket.config.params import Params, read_params
from uticket.config.paths import DOWNLOADS, TicketFiles
from uticket.data.sources import prepare
from uticket.hardware.simulation import Cost, simulate
from uticket.ticket.ticket import Ticket

ROOT = Path(__file__).parent.parent
TICKETS = ROOT / ".uticket" / "pareto"
DEPTHS: dict[str, float] = {"0": 0, "8": 8, "64": 64, "inf": float("inf")}  # of the FIFOs
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Row = dict[str, Any]


@click.command(help=__doc__)
@click.argument("data", type=click.Choice(list(DATA)))
@click.option("--images", help="Folder with train/CLASS/ and test/CLASS/, which cifar10 needs.")
@click.option("--seeds", default=5, show_default=True, help="Number of seeds, counted from 0.")
@click.option("--methods", default=",".join(METHODS), help="Names of chains, with commas; default: all.")
@click.option("--jobs", default=2, show_default=True, help="Chains trained at a time, on a thread each.")
@click.option("--piece", type=(int, str), hidden=True, help="Train this seed and method only, in this process.")
def main(data: str, images: str | None, seeds: int, methods: str, jobs: int, piece: tuple[int, str] | None) -> None:
    """Run the comparison."""
    start_logging()
    if piece:
        train_piece(data, images, *piece)
        return
    names = methods.split(",")
    for name in names:
        if name not in METHODS:
            raise click.BadParameter(f"expected some of {', '.join(METHODS)}, got {name!r}", param_hint="--methods")
    done = set(zip(*(read(data)[name] for name in ("seed", "method")), strict=True))
    missing = [(seed, name) for seed in range(seeds) for name in names if (seed, name) not in done]
    command = [sys.executable, "-m", "experiments.pareto", data, *(["--images", images] if images else [])]
    own = [(seed, name) for seed, name in missing if METHODS[name].chain is None]
    first = {folder_of(data, seed, name): (seed, name) for seed, name in reversed(own)}.values()  # trains the dense one
    rest = [chain for chain in own if chain not in first]
    others = [chain for chain in missing if chain not in own]  # run the tickets of those, so they come after them
    with ThreadPoolExecutor(jobs) as pool:
        for pieces in (first, rest, others):
            for seed, method in pool.map(lambda chain: run_piece(command, *chain), pieces):
                add(data, read_json(folder_of(data, seed, method) / method / "results.json"))


def folder_of(data: str, seed: int, method: str) -> Path:
    """Return the folder with the dense network that a method starts from, and with its tickets."""
    return TICKETS / data / str(seed) / f"of-{METHODS[method].trains_like}"


def params_of(data: str, images: str | None, seed: int, method: str) -> Params:
    """Return params.yaml with the chain of one method only."""
    chosen = METHODS[method]
    delta = merged(merged(DATA[data], {"data": {"path": images}} if images else {}), chosen.delta)
    return with_chains(read_params(ROOT / "params.yaml"), seed, {chosen.chain or method: chosen.balance}, delta)


def run_piece(command: Sequence[str], seed: int, method: str) -> tuple[int, str]:
    """Train a chain in a process of its own: two of them, with a thread each, use two cores better than two threads."""
    subprocess.run([*command, "--piece", str(seed), method], check=True, cwd=ROOT, env=os.environ | ONE_THREAD)
    log.info("pareto  seed %d, %s: done", seed, method)
    return seed, method


def train_piece(data: str, images: str | None, seed: int, method: str) -> None:
    """Train what is missing of a chain, and write its results."""
    folder = folder_of(data, seed, method)
    params = params_of(data, images, seed, method)
    prepared = prepare(params.data, ROOT / DOWNLOADS, seed)
    train_chains(params, prepared, folder)
    rows = [measured(folder / ticket, params) for ticket in params.tickets]
    named = [{"seed": seed, "method": method, "round": n, **row} for n, row in enumerate(rows, start=1)]
    write_json(folder / method / "results.json", named)


def measured(folder: Path, params: Params) -> Row:
    """Return accuracy, size and latency of a ticket."""
    ticket, metrics, array = Ticket.read(folder), read_json(TicketFiles(folder).metrics), params.hw.array

    def on(model: str, depth: float = 0) -> Cost:
        return simulate(ticket, array, Broadcast(fifo_depth=depth), model=model).network

    analytic = on("analytic")
    events = {f"cycles_fifo_{name}": on("events", depth).latency_cycles for name, depth in DEPTHS.items()}
    size = {"sparsity": metrics["sparsity"], "nonzeros": analytic.nonzeros, "utilization": analytic.utilization}
    return {"accuracy": metrics["accuracy"], **size, "cycles_analytic": analytic.latency_cycles, **events}


def results(data: str) -> Path:
    """Return the CSV of a data set."""
    return ROOT / "docs" / "results" / f"pareto-{data}.csv"


def read(data: str) -> pd.DataFrame:
    """Return what is known so far."""
    path = results(data)
    return pd.read_csv(path) if path.exists() else pd.DataFrame({"seed": [], "method": [], "round": []})


def add(data: str, rows: list[Row]) -> None:
    """Add the rows of a chain to the CSV, in the order of METHODS, seed and round."""
    table = pd.concat([read(data), pd.DataFrame(rows)]) if results(data).exists() else pd.DataFrame(rows)
    place = table["method"].map(list(METHODS).index)
    order = table.assign(place=place).sort_values(["place", "seed", "round"]).drop(columns="place")
    write_text(results(data), order.to_csv(index=False))


if __name__ == "__main__":
    main()
