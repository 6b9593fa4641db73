"""The tidy tables of a run, gathered from what the stages wrote."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from uticket.base.errors import InputError
from uticket.base.files import Row, read_json, read_rows
from uticket.config.lineage import DENSE, method_of
from uticket.config.paths import mapping_files, quantization_file, simulation_files, ticket_files
from uticket.config.plan import ChainPlan
from uticket.report.savings import with_savings

Rows = list[Row]

TEXTS = (
    "dataflow",
    "bandwidth",
    "method",
    "ticket",
    "model",
    "layer",
    "mapping",
    "quantizer",
    "knob",
    "value",
    "weight_format",
    "order",
    "format",
    "chip",
    "bound",
    "left_out",
)  # columns; all others are numbers
COSTS = ("utilization", "busy_share", "work_cycles", "idle_cycles", "latency_cycles", "energy", "pe_pj")
MEASURED = ("accuracy", "sparsity", "spike_sparsity")


@dataclass(frozen=True)
class Tables:
    """The tables of the report, each a file of the same name. Fractions lie in [0, 1]; energy is in units of E_d.

    Cycles are those of the analytic model unless there is a column `model`; the other columns are those of the stages.
    """

    rounds: Rows  # a row per method and ticket, round 0 (dense) included
    layers: Rows  # a row per method and layer of its last ticket
    models: Rows  # a row per method and timing model, of its last ticket, with what it saves against the baseline
    sweeps: Rows  # a row per method, timing model, knob and value, of its last ticket
    mappings: Rows  # a row per method and mapping, of its last ticket
    quantized: Rows  # a row per method, number of bits and quantizer, of its last ticket
    storage: Rows  # a row per method and layer, of its last ticket
    training: Rows  # a row per ticket and epoch


def gather(chains: Sequence[ChainPlan], baseline: str) -> Tables:
    """Read the results of all methods. baseline: the method that the other ones are compared with.

    Raises InputError, naming the file, if one is missing or lacks a ticket, a column or a number.
    """
    tables: dict[str, Rows] = {field.name: [] for field in fields(Tables)}
    for chain in chains:
        simulated, mapped = simulation_files(chain.method), mapping_files(chain.method)
        costs = read_table(simulated.tickets, ("ticket", "model", *COSTS))
        layers = read_table(simulated.layers, ("ticket", "model", "layer", *COSTS))
        sweeps = read_table(simulated.sweeps, ("ticket", "model", "knob", "value"))
        tables["rounds"] += _rounds(chain, costs, simulated.tickets)
        tables["layers"] += _of_analytic(_of_last(chain, layers))
        tables["models"] += _of_last(chain, costs)
        tables["sweeps"] += _of_last(chain, sweeps)
        tables["mappings"] += _of_last(chain, read_table(mapped.mappings, ("ticket", "mapping")))
        tables["quantized"] += _quantized(chain, mapped.rounded)
        tables["storage"] += _of_last(chain, read_table(mapped.storage, ("ticket", "layer")))
    saved = {"latency_cycles": "latency_saved_pct", "pe_pj": "pe_energy_saved_pct"}
    tables["models"] = with_savings(tables["models"], baseline, saved)
    tables["training"] = list(_training(chains))
    return Tables(**tables)


def read_table(path: Path, columns: Sequence[str]) -> Rows:
    """Read a CSV file, numbers as numbers and empty cells as None.

    Raises InputError, naming the file, if it is missing, lacks one of `columns`, or has text for a number.
    """
    rows = read_rows(path)
    missing = [name for name in columns if rows and name not in rows[0]]
    if missing:
        raise InputError(f"{path}: expected the column {missing[0]}, got {', '.join(rows[0])}")
    return [{name: _value(path, name, text) for name, text in row.items()} for row in rows]


def _value(path: Path, name: str, text: str | None) -> Any:
    if name == "value":
        return text or "null"
    if name in TEXTS or not text:
        return text or None
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    raise InputError(f"{path}: column {name}: expected a number, got {text!r}")


def _of_last(chain: ChainPlan, rows: Rows) -> Rows:
    return [{"method": chain.method, **row} for row in rows if row["ticket"] == chain.last]


def _of_analytic(rows: Rows) -> Rows:
    return [{name: row[name] for name in row if name != "model"} for row in rows if row["model"] == "analytic"]


def _rounds(chain: ChainPlan, costs: Rows, path: Path) -> Iterator[Row]:
    by_ticket = {row["ticket"]: row for row in _of_analytic(costs)}
    for ticket, number in chain.rounds.items():
        if ticket not in by_ticket:
            found = ", ".join(by_ticket) or "none"
            raise InputError(f"{path}: expected the ticket {ticket}, got {found}; run the stage that writes it")
        key = {"method": chain.method, "round": number, "ticket": ticket}
        yield {**key, **_measured(ticket_files(ticket).metrics), **by_ticket[ticket]}


def _measured(path: Path) -> dict[str, float]:
    metrics = read_json(path)
    for name in MEASURED:
        if not isinstance(metrics, dict) or not isinstance(metrics.get(name), int | float):
            raise InputError(f"{path}: expected the number {name}, got none; run the stage that writes it")
    return {name: metrics[name] for name in MEASURED}


def _quantized(chain: ChainPlan, path: Path) -> Iterator[Row]:
    """Return the accuracy with rounded weights, and how they run, side by side."""
    keys = ("weight_bits", "quantizer")
    rounded = {tuple(row[key] for key in keys): row for row in _of_last(chain, read_table(path, ("ticket", *keys)))}
    tested = read_table(quantization_file(chain.method), ("ticket", *keys, "accuracy"))
    for row in _of_last(chain, tested):
        key = tuple(row[key] for key in keys)
        if key not in rounded:
            raise InputError(f"{path}: expected {key[0]} bits by {key[1]}, got none; run the stage that writes it")
        yield {**row, **rounded[key]}


def _training(chains: Sequence[ChainPlan]) -> Iterator[Row]:
    rounds = {ticket: number for chain in chains for ticket, number in chain.rounds.items()}
    for ticket in rounds:
        method = DENSE if ticket == DENSE else method_of(ticket)
        for row in read_table(ticket_files(ticket).training, ("epoch", "test_accuracy")):
            yield {"method": method, "round": rounds[ticket], "ticket": ticket, **row}
