"""Simulate the tickets of a method on the array: cycles and energy by layer, by ticket and over the PE counts."""

from dataclasses import asdict, dataclass

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uticket.hardware.analytic import LayerResult, network_result, simulate_layer
from uticket.layers import Layer, read_layers
from uticket.mapping import POLICIES, Mapping
from uticket.params import read_params
from uticket.paths import mapping_file, simulation_files, ticket_files
from uticket.progress import bar, log, start_logging
from uticket.tables import read_table


@dataclass(frozen=True)
class MappedTicket:
    """What the array sees of a ticket; the dictionaries go by layer name, for the layers on the PEs."""

    layers: list[Layer]
    timesteps: int
    mappings: dict[str, Mapping]
    nonzeros: dict[str, NDArray[np.int64]]
    spike_sparsity: dict[str, float]

    def simulate(self, mappings: dict[str, Mapping], leakage_ratio: float) -> list[LayerResult]:
        """Run the analytic model on each layer, with the filters where `mappings` puts them."""
        return [
            simulate_layer(
                layer,
                self.nonzeros[layer.name],
                mappings[layer.name],
                self.timesteps,
                self.spike_sparsity[layer.name],
                leakage_ratio,
            )
            for layer in self.layers
        ]


@click.command(help=__doc__)
@click.argument("method")
def main(method: str) -> None:
    """METHOD is a key of the block `tickets` in params.yaml."""
    start_logging()
    params = read_params()
    policy, leakage_ratio = POLICIES[params.hw.mapping], params.energy.leakage_ratio
    table = read_table(mapping_file(method))
    by_layer, by_ticket, by_pes = [], [], []
    for name in bar(params.chain(method), f"simulating {method}", "tickets"):
        ticket = read_mapped(name, table[table["ticket"] == name], params.hw.pes)
        results = ticket.simulate(ticket.mappings, leakage_ratio)
        by_layer += [{"ticket": name, **asdict(result)} for result in results]
        by_ticket.append({"ticket": name, **asdict(network_result(results))})
        for pes in params.hw.sweep:
            mappings = {layer.name: policy(layer.filters, pes) for layer in ticket.layers}
            swept = ticket.simulate(mappings, leakage_ratio)
            by_pes.append({"ticket": name, "pes": pes, **asdict(network_result(swept))})
    files = simulation_files(method)
    files.folder.mkdir(parents=True, exist_ok=True)
    for path, rows in ((files.layers, by_layer), (files.tickets, by_ticket), (files.pe_sweep, by_pes)):
        pd.DataFrame(rows).to_csv(path, index=False)
    last = by_ticket[-1]
    log.info("simulate  %s: utilization %.4f, %d cycles", last["ticket"], last["utilization"], last["latency_cycles"])


def read_mapped(ticket: str, table: pd.DataFrame, pes: int) -> MappedTicket:
    """Read the layers and activity of a ticket, and its rows of the mapping table."""
    files = ticket_files(ticket)
    layers, timesteps = read_layers(files.layers)
    on_pes = [layer for layer in layers if layer.on_pes]
    rows = {str(name): rows.sort_values("filter") for name, rows in table.groupby("layer")}
    activity = read_table(files.activity).set_index("layer")["spike_sparsity"]
    return MappedTicket(
        layers=on_pes,
        timesteps=timesteps,
        mappings={name: Mapping(pes, r["group"].to_numpy(), r["pe"].to_numpy()) for name, r in rows.items()},
        nonzeros={name: r["workload"].to_numpy() for name, r in rows.items()},
        spike_sparsity={layer.name: float(activity[layer.name]) for layer in on_pes},
    )


if __name__ == "__main__":
    main()
