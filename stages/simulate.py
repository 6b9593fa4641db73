"""Simulate the tickets of a method on the array: cycles and energy by layer, by ticket and over sweeps of the array."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from uticket.base.errors import InputError
from uticket.base.progress import bar, log, start_logging
from uticket.base.tables import read_table, write_table
from uticket.config.names import CostModel
from uticket.config.params import Params, read_params
from uticket.config.paths import SimulationFiles, simulation_files, ticket_files
from uticket.hardware.chip import Chip, read_chip
from uticket.hardware.events import Broadcast, read_spikes
from uticket.hardware.held import HeldTicket
from uticket.hardware.simulate import Cost, Network, network_cost, simulate
from uticket.mapping.mapping import Array

Row = dict[str, Any]


@click.command(help=__doc__)
@click.argument("method")
def main(method: str) -> None:
    """METHOD is a key of the block `tickets` in params.yaml."""
    start_logging()
    params = read_params()
    bench = bench_of(params)
    tables: dict[str, list[Row]] = {name: [] for name in SimulationFiles.TABLES}
    for name in bar(params.chain(method), f"simulating {method}", "tickets"):
        models = [model for model in params.hw.models if model == "analytic" or with_events(params, method, name)]
        network = read_network(params, name, "events" in models)
        for model in models:
            costs = bench.run(network, model)
            row = {"ticket": name, "model": model}
            tables["layers"] += [{**row, "layer": cost.name, **cost.columns()} for cost in costs]
            tables["tickets"].append({**row, **network_cost(costs).columns()})
            tables["pes"] += [{**row, "layer": cost.name, **split} for cost in costs for split in by_pe(cost)]
            for table, point in bench.sweeps(network, model):
                tables[table].append({**row, **point})
    files = simulation_files(method)
    files.folder.mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        write_table(files.table(table), rows, header=["ticket", "model"])
    for last in tables["tickets"][-len(models) :]:
        told = last["ticket"], last["model"], last["utilization"], last["latency_cycles"]
        log.info("simulate  %s, %s: utilization %.4f, %.0f cycles", *told)


def with_events(params: Params, method: str, ticket: str) -> bool:
    """Say whether the event model simulates a ticket."""
    return params.hw.events_on == "all" or ticket == params.last(method)


def read_network(params: Params, name: str, with_spikes: bool) -> Network:
    """Read what a ticket holds, and what arrives at its layers."""
    ticket = HeldTicket(ticket_files(name))
    mask = ticket.stored(params.hw.weight_bits, params.hw.quantizer)
    spikes = read_spikes(ticket.files.spikes, ticket.layers, ticket.timesteps) if with_spikes else {}
    return Network(ticket.layers, mask, ticket.timesteps, read_sparsity(ticket), spikes)


def read_sparsity(ticket: HeldTicket) -> dict[str, float]:
    """Read the spike sparsity of each layer. Raises InputError, naming the file, if one is missing or no fraction."""
    path = ticket.files.activity
    try:
        column = read_table(path).set_index("layer")["spike_sparsity"].astype(float)
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: expected the columns layer and spike_sparsity, came: {error}") from None
    sparsity = {str(layer): value for layer, value in column.items()}
    for layer in ticket.layers:
        if not 0 <= sparsity.get(layer.name, math.nan) <= 1:
            came = sparsity.get(layer.name, "none")
            raise InputError(f"{path}: expected a spike_sparsity in [0, 1] of the layer {layer.name!r}, came {came}")
    return sparsity


def by_pe(cost: Cost) -> Iterator[Row]:
    """Return a row for each PE."""
    for pe, cycles in enumerate(zip(*cost.by_pe.values(), strict=True)):
        yield {"pe": pe, **dict(zip(cost.by_pe, cycles, strict=True))}


@dataclass(frozen=True)
class Bench:
    """An array to run networks on, and the sweeps that start from it."""

    array: Array
    broadcast: Broadcast
    chip: Chip
    leakage_ratio: float
    pes: tuple[int, ...]
    fifo_depths: tuple[float, ...]
    broadcast_widths: tuple[float, ...]

    def run(self, network: Network, model: CostModel) -> list[Cost]:
        """Return what each layer costs."""
        return simulate(network, self.array, self.broadcast, self.chip, self.leakage_ratio, model)

    def sweeps(self, network: Network, model: CostModel) -> Iterator[tuple[str, Row]]:
        """Return the table and the row of each point of the sweeps that apply to a model."""
        points: list[tuple[str, Row, Bench]] = []
        for pes in self.pes:
            points.append(("pe_sweep", {"pes": pes}, replace(self, array=replace(self.array, pes=pes))))
        if model == "events":
            for depth in self.fifo_depths:
                changed = replace(self.broadcast, fifo_depth=depth)
                points.append(("fifo_sweep", {"fifo_depth": depth}, replace(self, broadcast=changed)))
            for width in self.broadcast_widths:
                changed = replace(self.broadcast, broadcast_width=width)
                points.append(("width_sweep", {"broadcast_width": width}, replace(self, broadcast=changed)))
        for table, setting, bench in points:
            yield table, {**setting, **network_cost(bench.run(network, model)).columns()}


def bench_of(params: Params) -> Bench:
    """Return the array of params.yaml."""
    hw = params.hw
    how = hw.granularity, hw.fifo_depth, hw.broadcast_width, hw.token_cost, hw.accumulators, hw.skip_unwanted
    return Bench(
        Array(hw.pes, hw.mapping, hw.dataflow, hw.spare_pes),
        Broadcast(*how),
        read_chip(Path(hw.chip)),
        params.energy.leakage_ratio,
        *(tuple(sorted({*values})) for values in (hw.sweep, hw.fifo_sweep, hw.width_sweep)),
    )


if __name__ == "__main__":
    main()
