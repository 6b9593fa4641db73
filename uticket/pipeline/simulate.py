"""The stage `simulate`: cycles and energy of the tickets on the array, and over sweeps of its settings."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from uticket.base.errors import InputError
from uticket.base.files import write_rows, written_together
from uticket.base.progress import bar, log_end
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
    with bar(None, f"simulating {chain.method}", "runs", total=num_runs(chain, hw)) as progress:
        for name in chain.tickets:
            models = models_of(name, hw, chain)
            ticket = read_measured(ticket_files(name), spikes=models != ["analytic"])
            for model in models:
                found, row = (
                    simulate(ticket, array, hw.broadcast, chip, energy, model),
                    {"ticket": name, "model": model},
                )
                area, left_out = {"pe_area_um2": found.pe_area_um2}, found.left_out.columns()
                tickets.append({**row, **found.network.columns(), **area, **left_out})
                layers += [{**row, "layer": cost.name, **cost.columns()} for cost in found.layers]
                pes += [{**row, "layer": cost.name, **split} for cost in found.layers for split in rows_by_pe(cost)]
                progress.update()
                for point in sweep(ticket, hw, chip, energy, model) if name == chain.last else ():
                    sweeps.append({**row, **point})
                    progress.update()
    header = ["ticket", "model"]
    with written_together(simulation_files(chain.method).folder) as part:
        files = SimulationFiles(part)
        write_rows(files.tickets, tickets)
        write_rows(files.layers, layers)
        write_rows(files.pes, pes, header=header)
        write_rows(files.sweeps, sweeps, header=[*header, "knob", "value"])
    shown = [
        f"{last['model']} utilization {100 * last['utilization']:.1f} %, {last['latency_cycles']:,.0f} cycles"
        for last in tickets[-len(models) :]
    ]
    log_end("simulate", "; ".join([chain.last, *shown]), simulation_files(chain.method).folder)


def models_of(ticket: str, hw: Hardware, chain: ChainPlan) -> list[str]:
    """Return the timing models of a ticket: `hw.events_on` decides which ones the event model runs."""
    return [model for model in hw.models if model == "analytic" or hw.events_on == "all" or ticket == chain.last]


def num_runs(chain: ChainPlan, hw: Hardware) -> int:
    """Return how often tickets are simulated: by each of their models, and the last one at each point of its sweeps."""
    points = sum(len(points_of(hw, model)) for model in models_of(chain.last, hw, chain))
    return points + sum(len(models_of(name, hw, chain)) for name in chain.tickets)


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
    """Return the cost of the network at each point of the sweeps.

    The points run side by side in threads; their rows are in the order of the params.
    """
    points = points_of(hw, model)

    def simulated(point: tuple[str, Any]) -> Simulation:
        return simulate(ticket, *hw.at(*point), chip, energy, model)

    for (knob, value), found in zip(points, in_threads(simulated, points), strict=True):
        yield {"knob": knob, "value": value, **found.network.columns(), "pe_area_um2": found.pe_area_um2}


def points_of(hw: Hardware, model: str) -> list[tuple[str, Any]]:
    """Return each knob of `hw.sweeps` with each of its values; the analytic model knows no broadcast."""
    knobs = {knob: values for knob, values in hw.knobs().items() if model != "analytic" or "broadcast." not in knob}
    return [(knob, value) for knob, values in knobs.items() for value in values]
