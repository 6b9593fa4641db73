"""The tidy tables of a run, gathered from what the stages wrote, and the summary of its last tickets."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from uticket.base.tables import read_table
from uticket.config.params import DENSE
from uticket.config.paths import mapping_files, quantization_file, read_json, simulation_files, ticket_files

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
EVENT_COLUMNS = [
    "utilization",
    "busy_share",
    "latency_cycles",
    "starved_cycles",
    "blocked_cycles",
    "tail_cycles",
    "pe_pj",
    "total_pj",
]


@dataclass(frozen=True)
class Tables:
    """The tables of the report. Fractions lie in [0, 1]; energy is in units of E_d, energies in pJ are named so.

    Cycles are those of the analytic model, where `model` does not tell.
    """

    rounds: pd.DataFrame  # a row per method and ticket, round 0 (dense) included
    layers: pd.DataFrame  # a row per method and layer of its last ticket
    pe_sweep: pd.DataFrame  # a row per method and PE count, of its last ticket
    policies: pd.DataFrame  # a row per method and mapping policy, of its last ticket
    quantized: pd.DataFrame  # a row per method, number of bits and quantizer, of its last ticket
    training: pd.DataFrame  # a row per ticket and epoch
    models: pd.DataFrame  # a row per method and model, of its last ticket
    fifo_sweep: pd.DataFrame  # a row per method and depth, of its last ticket; none without the event model
    width_sweep: pd.DataFrame  # a row per method and broadcast width, likewise
    storage: pd.DataFrame  # a row per method and layer, of its last ticket


def gather(chains: dict[str, list[str]], round_of: Callable[[str], int]) -> Tables:
    """Read the results of all methods.

    chains: method -> dense and its tickets, by round. round_of: ticket -> round.
    """
    parts: dict[str, list[pd.DataFrame]] = {field.name: [] for field in fields(Tables)}
    for method, chain in chains.items():
        simulated, mapped, ticket = simulation_files(method), mapping_files(method), chain[-1]
        numbers = pd.DataFrame(
            {"method": method, "round": round_of(ticket), "ticket": ticket, **_metrics(ticket)} for ticket in chain
        )
        tickets = analytic(read_table(simulated.table("tickets")))
        parts["rounds"].append(numbers.merge(tickets, on="ticket", validate="one_to_one"))
        parts["layers"].append(analytic(_of_ticket(simulated.table("layers"), ticket, method)))
        parts["pe_sweep"].append(analytic(_of_ticket(simulated.table("pe_sweep"), ticket, method)))
        parts["policies"].append(_of_ticket(mapped.policies, ticket, method))
        parts["storage"].append(_of_ticket(mapped.storage, ticket, method))
        rounded, tested = (_of_ticket(path, ticket, method) for path in (mapped.rounded, quantization_file(method)))
        keys = ["method", "ticket", "weight_bits", "quantizer"]
        parts["quantized"].append(tested.merge(rounded, on=keys, validate="1:1"))
        parts["models"].append(_of_ticket(simulated.table("tickets"), ticket, method))
        for sweep, setting in (("fifo_sweep", "fifo_depth"), ("width_sweep", "broadcast_width")):
            table = _of_ticket(simulated.table(sweep), ticket, method)
            parts[sweep].append(table.assign(**{setting: [_limit(value) for value in table.get(setting, [])]}))
    trained = dict.fromkeys(ticket for chain in chains.values() for ticket in chain)
    parts["training"] = [_training(ticket, round_of(ticket)) for ticket in trained]
    return Tables(**{name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()})


def analytic(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the analytic model, whose counts are whole numbers."""
    rows = table[table["model"] == "analytic"].drop(columns="model")
    return rows.astype({name: "int64" for name in rows.columns if name.endswith(("_cycles", "tokens"))})


def _limit(value: float) -> str:
    return "unlimited" if math.isinf(value) else f"{value:.0f}"


def summarize_events(models: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the numbers of the event model of the last ticket of each method, as in events.json."""
    rows = models[models["model"] == "events"].set_index("method")
    summary = {str(method): {name: float(row[name]) for name in EVENT_COLUMNS} for method, row in rows.iterrows()}
    _add_reductions(summary, rows, {"latency_cycles": "latency", "pe_pj": "pe_energy"})
    return summary


def summarize(rounds: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the numbers of dense and of the last ticket of each method, as in summary.json.

    A method other than lth also gets its reductions of latency and energy against lth, in percent.
    """
    last = rounds.groupby("method", sort=False).tail(1).set_index("method")
    dense = rounds[rounds["ticket"] == DENSE].iloc[0]
    summary = {DENSE: _numbers(dense), **{str(method): _numbers(row) for method, row in last.iterrows()}}
    _add_reductions(summary, last, {"latency_cycles": "latency", "energy": "energy"})
    return summary


def _add_reductions(summary: dict[str, dict[str, Any]], last: pd.DataFrame, costs: dict[str, str]) -> None:
    """Add to each method what it saves against the baseline, in percent; costs: column -> name, last: by method."""
    if BASELINE in last.index:
        for method in last.index.drop(BASELINE):
            for cost, name in costs.items():
                summary[method][f"{name}_reduction_pct"] = reduction_pct(last[cost][method], last[cost][BASELINE])


def reduction_pct(cost: float, baseline: float) -> float | None:
    """Return by how many percent `cost` is below `baseline`; None if the baseline costs nothing."""
    return 100 * (1 - float(cost) / float(baseline)) if baseline else None


def _numbers(row: "pd.Series[Any]") -> dict[str, Any]:
    return {name: row[name].item() if hasattr(row[name], "item") else row[name] for name in SUMMARY_COLUMNS}


def _metrics(ticket: str) -> dict[str, float]:
    values = read_json(ticket_files(ticket).metrics)
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
