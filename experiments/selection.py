"""Which weights to remove and recover, and within what: the choices of balancing, compared over seeds.

Runs the stages of the pipeline on the data set of params.yaml, for each seed in a folder of its own, with a chain of
tickets for each choice, and writes docs/results/selection.csv. `python -m experiments.selection` takes about a quarter
of an hour on two cores; `python -m experiments.selection --table` writes the table of docs/selection.md from the CSV.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

import click
import pandas as pd
from ruamel.yaml import YAML

import stages.data
import stages.dense
import stages.map
import stages.round
import stages.simulate
from uticket.config.params import DENSE, read_params
from uticket.config.paths import mapping_files, simulation_files, ticket_files
from uticket.report.readme import write_between

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results" / "selection.csv"
PAGE = ROOT / "docs" / "selection.md"
BEGIN, END = "<!-- written by `python -m experiments.selection --table` -->", "<!-- end -->"

CHAINS: dict[str, dict[str, str] | None] = {
    "lth": None,
    "group-random": {"scope": "group", "mode": "both", "select": "random"},
    "group-magnitude": {"scope": "group", "mode": "both", "select": "magnitude"},
    "layer-random": {"scope": "layer", "mode": "both", "select": "random"},
    "layer-magnitude": {"scope": "layer", "mode": "both", "select": "magnitude"},
}


@click.command(help=__doc__)
@click.option("--seeds", default=3, show_default=True, help="Number of seeds, counted from 0.")
@click.option("--table", is_flag=True, help="Only write the table into the page.")
def main(seeds: int, table: bool) -> None:
    """Run the comparison, or write its table."""
    if not table:
        rows = [row for seed in range(seeds) for row in run(seed)]
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(RESULTS, index=False)
    write_between(PAGE, BEGIN, END, markdown(pd.read_csv(RESULTS)))


def run(seed: int) -> list[dict[str, object]]:
    """Run all chains with one seed; return a row for each way to run each last ticket."""
    with tempfile.TemporaryDirectory() as folder:
        before = Path.cwd()
        os.chdir(folder)
        try:
            write_params(Path("params.yaml"), seed)
            stages.data.main.callback()
            stages.dense.main.callback()
            params = read_params()
            return [row for method in CHAINS for row in results(method, sorted(params.tickets[method]), seed)]
        finally:
            os.chdir(before)


def write_params(path: Path, seed: int) -> None:
    """Write the project's params.yaml with this seed and the chains of the comparison, as long as that of lth."""
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    rounds = list(values["tickets"]["lth"])
    values["seed"] = seed
    values["balance"] = CHAINS
    values["hw"] |= {"chip": str(ROOT / values["hw"]["chip"]), "models": ["analytic"]}  # run in a folder of its own
    values["tickets"] = {
        method: dict(zip(rounds, [DENSE, *(f"{method}/{name}" for name in rounds)], strict=False)) for method in CHAINS
    }
    YAML(typ="safe").dump(values, path)


def results(method: str, tickets: list[str], seed: int) -> list[dict[str, object]]:
    """Train the tickets of a method and map the last one with each policy that the comparison asks for."""
    for ticket in tickets:
        stages.round.main.callback(f"{method}/{ticket}")
    stages.map.main.callback(method)
    stages.simulate.main.callback(method)
    last = f"{method}/{tickets[-1]}"
    metrics = json.loads(ticket_files(last).metrics.read_text())
    policies = pd.read_csv(mapping_files(method).policies).set_index(["ticket", "policy"]).loc[last]
    sweep = pd.read_csv(simulation_files(method).table("pe_sweep")).query("model == 'analytic'")
    sweep = sweep.set_index(["ticket", "pes"]).loc[last]
    rows = []
    for policy in ("contiguous", "sorted", "paired") if method == "lth" else ("contiguous",):
        rows.append(
            {
                "choice": method if policy == "contiguous" else f"{method}, {policy}",
                "seed": seed,
                "accuracy": metrics["accuracy"],
                "filter_sparsity": metrics["filter_sparsity"],
                "utilization": policies["utilization"][policy],
                "latency_cycles": policies["latency_cycles"][policy],
                "utilization_8_pes": sweep["utilization"][8] if policy == "contiguous" else None,
                "utilization_32_pes": sweep["utilization"][32] if policy == "contiguous" else None,
            }
        )
    shutil.rmtree(ticket_files(method).folder)
    return rows


def markdown(table: pd.DataFrame) -> str:
    """Return mean and standard deviation over the seeds, a line for each choice."""
    percent = ["accuracy", "filter_sparsity", "utilization", "utilization_8_pes", "utilization_32_pes"]
    groups = table.groupby("choice", sort=False)
    mean, spread = (groups[[*percent, "latency_cycles"]].agg(how) for how in ("mean", "std"))
    titles = ["accuracy %", "sparsity %", "utilization %", "on 8 PEs", "on 32 PEs", "latency (cycles)"]
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
