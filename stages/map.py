"""Map the tickets of a method to the PEs: which weights run where, and what other policies or fewer bits would do."""

from dataclasses import asdict, replace

import click
import pandas as pd

from uticket.hardware.analytic import count_cycles, network_totals
from uticket.hardware.held import HeldTicket
from uticket.mapping import POLICIES, Array, map_layers, unit_nonzeros
from uticket.mask import Mask
from uticket.names import QUANTIZERS
from uticket.params import read_params
from uticket.paths import mapping_files, ticket_files
from uticket.progress import bar, log, start_logging


@click.command(help=__doc__)
@click.argument("method")
def main(method: str) -> None:
    """METHOD is a key of the block `tickets` in params.yaml."""
    start_logging()
    params = read_params()
    array = Array(params.hw.pes, params.hw.mapping, params.hw.dataflow, params.hw.spare_pes)
    places, policies, rounded = [], [], []
    for name in bar(params.chain(method), f"mapping {method}", "tickets"):
        ticket = HeldTicket(ticket_files(name))
        mask = ticket.stored(params.hw.weight_bits, params.hw.quantizer)
        places.append(places_of(name, ticket, mask, array))
        for policy in POLICIES:
            totals = totals_of(ticket, mask, replace(array, policy=policy))
            policies.append({"ticket": name, "policy": policy, **totals})
        for bits in params.quantize.bits:
            for quantizer in QUANTIZERS:
                totals = totals_of(ticket, ticket.stored(bits, quantizer), array)
                rounded.append({"ticket": name, "weight_bits": bits, "quantizer": quantizer, **totals})
    files = mapping_files(method)
    files.folder.mkdir(parents=True, exist_ok=True)
    pd.concat(places).to_csv(files.places, index=False)
    pd.DataFrame(policies).to_csv(files.policies, index=False)
    pd.DataFrame(rounded).to_csv(files.rounded, index=False)
    log.info("map  %s: %d tickets on %d PEs", method, len(places), array.pes)


def places_of(name: str, ticket: HeldTicket, mask: Mask, array: Array) -> pd.DataFrame:
    """Return a row for each filter (or slice of one) of a ticket: where it runs, with how many weights."""
    tables = []
    for layer, mapping in zip(ticket.layers, map_layers(ticket.layers, mask, array).values(), strict=True):
        filters = pd.RangeIndex(len(mapping.group)) // (len(mapping.group) // layer.filters)
        columns = {"ticket": name, "layer": layer.name, "filter": filters, "group": mapping.group, "pe": mapping.pe}
        units = pd.DataFrame({**columns, "workload": unit_nonzeros(mask[layer.name], array.dataflow)})
        tables.append(units.groupby(list(columns), sort=False, as_index=False).sum())
    return pd.concat(tables)


def totals_of(ticket: HeldTicket, mask: Mask, array: Array) -> dict[str, float]:
    """Return the cycles of a ticket on an array."""
    return asdict(network_totals(count_cycles(ticket.layers, mask, array, ticket.timesteps)))


if __name__ == "__main__":
    main()
