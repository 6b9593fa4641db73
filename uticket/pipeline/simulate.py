"""The stage `simulate`: cycles and energy of the tickets on the array, and over sweeps of its settings."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from uticket.base.errors import InputError
from uticket.base.files import write_rows, written_together
from uticket.base.progress import bar, log
from uticket.base.threads import in_threads
from uticket.config.array import Energy, Hardware
from uticket.config.paths import SimulationFiles, TicketFiles, simulation_files, ticket_files
from uticket.config.plan import ChainPlan
from uticket.hardware.chip import Chip
from uticket.hardware.cost import Cost
from uticket.hardware.measured import measured_sparsity
from uticket.hardware.simulation import Simulation, simulate
from uticket.ticket.ticket import Ticket

Row = dict[str, Any]


def simulate_chain(chain: ChainPlan, hw: Hardware, energy: Energy) -> None:
    """Simulate all tickets of a method by the models of `hw.models`, and the last one over `hw.sweeps`."""
    chip, array = Chip.read(hw.chip), hw.array
    tickets: list[Row] = []
    layers: list[Row] = []
    pes: list[Row] = []
    sweeps: list[Row] = []
    for name in bar(chain.tickets, f"simulating {chain.method}", "tickets"):
        models = [model for model in hw.models if _runs(model, name, hw, chain)]
        ticket = read_measured(ticket_files(name), spikes=models != ["analytic"])
        for model in models:
            found, row = simulate(ticket, array, hw.broadcast, chip, energy, model), {"ticket": name, "model": model}
            area, left_out = {"pe_area_um2": found.pe_area_um2}, found.left_out
            tickets.append({**row, **found.network.columns(), **area, **left_out.columns()})
            layers += [{**row, "layer": cost.name, **cost.columns()} for cost in found.layers]
            pes += [{**row, "layer": cost.name, **split} for cost in found.layers for split in rows_by_pe(cost)]
            if name == chain.last:
                sweeps += [{**row, **point} for point in sweep(ticket, hw, chip, energy, model)]
    header = ["ticket", "model"]
    with written_together(simulation_files(chain.method).folder) as part:
        files = SimulationFiles(part)
        write_rows(files.tickets, tickets)
        write_rows(files.layers, layers)
        write_rows(files.pes, pes, header=header)
        write_rows(files.sweeps, sweeps, header=[*header, "knob", "value"])
    for last in tickets[-len(models) :]:
        figures = last["ticket"], last["model"], last["utilization"], last["latency_cycles"]
        log.info("simulate  %s, %s: utilization %.4f, %.0f cycles; %s", *figures, left_out)


def _runs(model: str, ticket: str, hw: Hardware, chain: ChainPlan) -> bool:
    return model == "analytic" or hw.events_on == "all" or ticket == chain.last


def read_measured(files: TicketFiles, spikes: bool) -> Ticket:
    """Read a trained ticket with the spike sparsity of all layers that read spikes, measured over all test images.

    spikes: whether to read those of the sample images too. Raises InputError, naming the file, if one is missing.
    """
    ticket = Ticket.read(files.folder, spikes=spikes)
    if spikes and ticket.spikes is None:
        raise InputError(f"{files.spikes}: expected the spikes of the ticket, got no file")
    reading = [layer.name for layer in ticket.layers if layer.reads_spikes]
    sparsity = measured_sparsity(files.activity, reading)
    return replace(ticket, spike_sparsity=sparsity)


def rows_by_pe(cost: Cost) -> Iterator[Row]:
    """Return a row for each PE."""
    for pe, cycles in enumerate(zip(*cost.by_pe.values(), strict=True)):
        yield {"pe": pe, **dict(zip(cost.by_pe, cycles, strict=True))}


def sweep(ticket: Ticket, hw: Hardware, chip: Chip, energy: Energy, model: str) -> Iterator[Row]:
    """Return the cost of the network at each value of each knob; the analytic model knows no broadcast.

    The points run side by side in threads; their rows are in the order of the params.
    """
    knobs = {knob: values for knob, values in hw.knobs().items() if model != "analytic" or "broadcast." not in knob}
    points = [(knob, value) for knob, values in knobs.items() for value in values]

    def simulated(point: tuple[str, Any]) -> Simulation:
        return simulate(ticket, *hw.at(*point), chip, energy, model)

    results = zip(points, in_threads(simulated, points), strict=True)
    for (knob, value), found in bar(results, f"sweeping, {model}", "points", total=len(points)):
        yield {"knob": knob, "value": value, **found.network.columns(), "pe_area_um2": found.pe_area_um2}
        if value == knobs[knob][-1]:
            log.info("simulate  %s: %s swept over %d values", model, knob, len(knobs[knob]))
