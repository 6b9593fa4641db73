"""The tidy tables of a run, gathered from what the stages wrote, and the summary of its last tickets."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from uticket.errors import InputError
from uticket.params import DENSE
from uticket.paths import mapping_files, quantization_file, simulation_files, ticket_files
from uticket.tables import read_table

BASELINE = "lth"  # the method that the others are compared with
SUMMARY_COLUMNS = [
    "accuracy",
    "filter_sparsity",
    "spike_sparsity",
    "utilization",
    "work_cycles",
    "idle_cycles",
    "latency_cycles",
    "energy",
]


@dataclass(frozen=True)
class Tables:
    """The tables of the report. Fractions lie in [0, 1]; energy is in units of E_d."""

    rounds: pd.DataFrame  # a row per method and ticket, round 0 (dense) included
    layers: pd.DataFrame  # a row per method and layer of its last ticket
    pe_sweep: pd.DataFrame  # a row per method and PE count, of its last ticket
    policies: pd.DataFrame  # a row per method and mapping policy, of its last ticket
    quantized: pd.DataFrame  # a row per method, number of bits and quantizer, of its last ticket
    training: pd.DataFrame  # a row per ticket and epoch


def gather(chains: dict[str, list[str]], round_of: Callable[[str], int]) -> Tables:
    """Read the results of all methods.

    chains: method -> dense and its tickets. round_of: ticket -> round. The last ticket of a chain is the one of the
    highest round; of several, the one whose name comes last.
    """
    rounds, layers, pe_sweep, policies, quantized = [], [], [], [], []
    for method, tickets_of_method in chains.items():
        chain = sorted(tickets_of_method, key=lambda ticket: (round_of(ticket), ticket))
        files = simulation_files(method)
        tickets = read_table(files.tickets)
        numbers = pd.DataFrame(
            {"method": method, "round": round_of(ticket), "ticket": ticket, **_metrics(ticket)} for ticket in chain
        )
        rounds.append(numbers.merge(tickets, on="ticket", validate="one_to_one"))
        layers.append(_of_ticket(files.layers, chain[-1], method))
        pe_sweep.append(_of_ticket(files.pe_sweep, chain[-1], method))
        policies.append(_of_ticket(mapping_files(method).policies, chain[-1], method))
        rounded = _of_ticket(mapping_files(method).rounded, chain[-1], method)
        tested = _of_ticket(quantization_file(method), chain[-1], method)
        quantized.append(tested.merge(rounded, on=["method", "ticket", "weight_bits", "quantizer"], validate="1:1"))
    trained = dict.fromkeys(ticket for chain in chains.values() for ticket in chain)
    training = [_training(ticket, round_of(ticket)) for ticket in trained]
    return Tables(
        *(pd.concat(parts, ignore_index=True) for parts in (rounds, layers, pe_sweep, policies, quantized, training))
    )


def summarize(rounds: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the numbers of dense and of the last ticket of each method, as in summary.json.

    A method other than lth also gets its reductions of latency and energy against lth, in percent.
    """
    last = rounds.groupby("method", sort=False).tail(1).set_index("method")
    dense = rounds[rounds["ticket"] == DENSE].iloc[0]
    summary = {DENSE: _numbers(dense), **{str(method): _numbers(row) for method, row in last.iterrows()}}
    if BASELINE in summary:
        for method in last.index.drop(BASELINE):
            for cost, name in (("latency_cycles", "latency"), ("energy", "energy")):
                summary[method][f"{name}_reduction_pct"] = reduction_pct(last[cost][method], last[cost][BASELINE])
    return summary


def reduction_pct(cost: float, baseline: float) -> float | None:
    """Return by how many percent `cost` is below `baseline`; None if the baseline costs nothing."""
    return 100 * (1 - float(cost) / float(baseline)) if baseline else None


def _numbers(row: "pd.Series[Any]") -> dict[str, Any]:
    return {name: row[name].item() if hasattr(row[name], "item") else row[name] for name in SUMMARY_COLUMNS}


def _metrics(ticket: str) -> dict[str, float]:
    path = ticket_files(ticket).metrics
    try:
        values: dict[str, float] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected the metrics of a ticket, came: {error}") from None
    return {name: values[name] for name in ("accuracy", "filter_sparsity", "spike_sparsity")}


def _of_ticket(path: Path, ticket: str, method: str) -> pd.DataFrame:
    table = read_table(path)
    table = table[table["ticket"] == ticket]
    table.insert(0, "method", method)
    return table


def _training(ticket: str, number: int) -> pd.DataFrame:
    table = read_table(ticket_files(ticket).training)
    method = ticket.partition("/")[0]
    first = pd.DataFrame({"method": method, "round": number, "ticket": ticket}, index=table.index)
    return pd.concat([first, table], axis="columns")
