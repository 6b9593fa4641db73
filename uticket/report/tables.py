"""The tidy tables of a run, gathered from what the stages wrote."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from uticket.base.errors import InputError, listed
from uticket.base.files import RERUN, Row
from uticket.config.document import Metrics
from uticket.config.lineage import DENSE, method_of
from uticket.config.paths import mapping_files, quantization_file, simulation_files, ticket_files
from uticket.config.plan import ChainPlan
from uticket.config.schemas import LAYERS, MAPPINGS, QUANTIZATION, ROUNDED, STORAGE, SWEEPS, TICKETS, TRAINING
from uticket.report.savings import with_savings
from uticket.report.words import standard_error

Rows = list[Row]


@dataclass(frozen=True)
class Tables:
    """The tables of the report, each a file of the same name. Fractions lie in [0, 1]; energy is in units of E_d.

    Cycles are those of the analytic model unless there is a column `model`; the other columns are those of the stages.
    """

    # a row per method and ticket, round 0 (dense) included; accuracy_error: one standard error of the accuracy, if the
    # size of the test set is known; best_epoch_accuracy as the published code has it
    rounds: Rows
    layers: Rows  # a row per method and layer of its last ticket
    models: Rows  # a row per method and timing model, of its last ticket, with what it saves against the baseline
    sweeps: Rows  # a row per method, timing model, knob and value, of its last ticket
    mappings: Rows  # a row per method and mapping, of its last ticket
    quantized: Rows  # a row per method, number of bits and quantizer, of its last ticket
    storage: Rows  # a row per method and layer, of its last ticket
    training: Rows  # a row per ticket and epoch


# column of a cost in `models` -> column of what it saves against the baseline
SAVED_BY_MODEL = {"latency_cycles": "latency_saved_pct", "pe_pj": "pe_energy_saved_pct"}


def gather(chains: Sequence[ChainPlan], baseline: str, test_images: int | None = None) -> Tables:
    """Read the results of all methods. baseline: the method that the other ones are compared with.

    test_images: size of the test set; None if it is unknown, which leaves out the column `accuracy_error`.

    Raises InputError, naming the file, if one is missing, lacks a ticket or differs from its schema.
    """
    tables: dict[str, Rows] = {field.name: [] for field in fields(Tables)}

    def add(name: str, path: Path, rows: Iterable[Row]) -> None:
        """Add rows of one file, in which all have the same columns."""
        rows = list(rows)
        _check_same_columns(path, rows[:1], tables[name][:1])
        tables[name] += rows

    for chain in chains:
        simulated, mapped = simulation_files(chain.method), mapping_files(chain.method)
        costs = TICKETS.read(simulated.tickets)
        layers = _of_last(chain, LAYERS.read(simulated.layers), simulated.layers)
        add("rounds", simulated.tickets, _rounds(chain, costs, simulated.tickets))
        add("layers", simulated.layers, _of_analytic(layers, simulated.layers))
        add("models", simulated.tickets, _of_last(chain, costs, simulated.tickets))
        add("sweeps", simulated.sweeps, _of_last(chain, SWEEPS.read(simulated.sweeps), simulated.sweeps))
        add("mappings", mapped.mappings, _of_last(chain, MAPPINGS.read(mapped.mappings), mapped.mappings))
        add("quantized", mapped.rounded, _quantized(chain, mapped.rounded))
        add("storage", mapped.storage, _of_last(chain, STORAGE.read(mapped.storage), mapped.storage))
    tables["models"] = with_savings(tables["models"], baseline, SAVED_BY_MODEL)
    tables["training"] = list(_training(chains))
    if test_images is not None:
        tables["rounds"] = [
            {**row, "accuracy_error": standard_error(row["accuracy"], test_images)} for row in tables["rounds"]
        ]
    return Tables(**tables)


def _check_same_columns(path: Path, row: Rows, before: Rows) -> None:
    """Raise InputError if the columns of a file are not those of the file of another method."""
    odd = sorted(set(row[0]) ^ set(before[0])) if row and before else []
    if odd:
        expected = f"the same columns as of the method {before[0]['method']}"
        raise InputError(f"{path}: expected {expected}, got {listed(odd)} in one of both only; {RERUN}")


def _of_last(chain: ChainPlan, rows: Rows, path: Path) -> Rows:
    """Return the rows of a method's last ticket. Raises InputError if they are of other tickets only."""
    found: Rows = [{"method": chain.method, **row} for row in rows if row["ticket"] == chain.last]
    if rows and not found:
        tickets = dict.fromkeys(row["ticket"] for row in rows)
        raise InputError(f"{path}: expected rows of the ticket {chain.last}, got those of {listed(tickets)}; {RERUN}")
    return found


def _of_analytic(rows: Rows, path: Path) -> Rows:
    """Return the rows of the analytic model, without the column `model`. Raises InputError if there are none."""
    found: Rows = [{name: row[name] for name in row if name != "model"} for row in rows if row["model"] == "analytic"]
    if not found:
        models = dict.fromkeys(row["model"] for row in rows)
        raise InputError(f"{path}: expected rows of the model analytic, got those of {listed(models)}; {RERUN}")
    return found


def _rounds(chain: ChainPlan, costs: Rows, path: Path) -> Iterator[Row]:
    by_ticket = {row["ticket"]: row for row in _of_analytic(costs, path)}
    for ticket, number in chain.rounds.items():
        if ticket not in by_ticket:
            found = ", ".join(by_ticket) or "none"
            raise InputError(f"{path}: expected the ticket {ticket}, got {found}; {RERUN}")
        key, files = {"method": chain.method, "round": number, "ticket": ticket}, ticket_files(ticket)
        metrics = Metrics.read(files.metrics).model_dump()
        best = max(epoch["test_accuracy"] for epoch in TRAINING.read(files.training))
        yield {**key, "accuracy": metrics["accuracy"], "best_epoch_accuracy": best, **metrics, **by_ticket[ticket]}


def _quantized(chain: ChainPlan, path: Path) -> Iterator[Row]:
    """Return the accuracy with rounded weights, and how they run, side by side."""
    keys, tested = ("weight_bits", "quantizer"), quantization_file(chain.method)
    rounded = {tuple(row[key] for key in keys): row for row in _of_last(chain, ROUNDED.read(path), path)}
    for row in _of_last(chain, QUANTIZATION.read(tested), tested):
        key = tuple(row[key] for key in keys)
        if key not in rounded:
            raise InputError(f"{path}: expected {key[0]} bits by {key[1]}, got none; {RERUN}")
        yield {**row, **rounded[key]}


def _training(chains: Sequence[ChainPlan]) -> Iterator[Row]:
    rounds = {ticket: number for chain in chains for ticket, number in chain.rounds.items()}
    for ticket in rounds:
        method = DENSE if ticket == DENSE else method_of(ticket)
        for row in TRAINING.read(ticket_files(ticket).training):
            yield {"method": method, "round": rounds[ticket], "ticket": ticket, **row}
