"""Simulate the tickets of a method on the array: cycles and energy by layer, by ticket and over the PE counts."""

from dataclasses import asdict, replace

import click
import pandas as pd

from uticket.hardware.analytic import count_cycles, layer_energies, network_totals
from uticket.hardware.held import HeldTicket
from uticket.mapping import Array
from uticket.params import read_params
from uticket.paths import simulation_files, ticket_files
from uticket.progress import bar, log, start_logging
from uticket.tables import read_table


@click.command(help=__doc__)
@click.argument("method")
def main(method: str) -> None:
    """METHOD is a key of the block `tickets` in params.yaml."""
    start_logging()
    params = read_params()
    array = Array(params.hw.pes, params.hw.mapping, params.hw.dataflow, params.hw.spare_pes)
    by_layer, by_ticket, by_pes = [], [], []
    for name in bar(params.chain(method), f"simulating {method}", "tickets"):
        ticket = HeldTicket(ticket_files(name))
        mask = ticket.stored(params.hw.weight_bits, params.hw.quantizer)
        activity = read_table(ticket.files.activity)
        sparsity: dict[str, float] = dict(zip(activity["layer"], activity["spike_sparsity"], strict=True))
        for pes in sorted({array.pes, *params.hw.sweep}):
            results = count_cycles(ticket.layers, mask, replace(array, pes=pes), ticket.timesteps)
            energies = layer_energies(results, sparsity, params.energy.leakage_ratio)
            totals = {**asdict(network_totals(results)), "energy": sum(energies)}
            if pes == array.pes:
                by_ticket.append({"ticket": name, **totals})
                for result, energy in zip(results, energies, strict=True):
                    by_layer.append({"ticket": name, "layer": result.layer, **asdict(result), "energy": energy})
            if pes in params.hw.sweep:
                by_pes.append({"ticket": name, "pes": pes, **totals})
    files = simulation_files(method)
    files.folder.mkdir(parents=True, exist_ok=True)
    for path, rows in ((files.layers, by_layer), (files.tickets, by_ticket), (files.pe_sweep, by_pes)):
        pd.DataFrame(rows).to_csv(path, index=False)
    last = by_ticket[-1]
    log.info("simulate  %s: utilization %.4f, %d cycles", last["ticket"], last["utilization"], last["latency_cycles"])


if __name__ == "__main__":
    main()
