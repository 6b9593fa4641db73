"""Map the tickets of a method to the PEs: what runs where and how it is stored, and what other policies would do."""

from dataclasses import asdict, replace
from pathlib import Path

import click
import pandas as pd

from uticket.base.progress import bar, log, start_logging
from uticket.config.names import QUANTIZERS
from uticket.config.params import read_params
from uticket.config.paths import mapping_files, ticket_files
from uticket.hardware.analytic import count_cycles, network_totals
from uticket.hardware.chip import read_chip
from uticket.hardware.held import HeldTicket
from uticket.hardware.storage import WORD_BITS, fit_scratchpad, size_bits
from uticket.mapping.mapping import POLICIES, Array, map_layers, unit_nonzeros
from uticket.ticket.mask import Mask


@click.command(help=__doc__)
@click.argument("method")
def main(method: str) -> None:
    """METHOD is a key of the block `tickets` in params.yaml."""
    start_logging()
    params = read_params()
    array = Array(params.hw.pes, params.hw.mapping, params.hw.dataflow, params.hw.spare_pes)
    words = read_chip(Path(params.hw.chip)).scratchpad_words.value
    places, policies, rounded, storage = [], [], [], []
    for name in bar(params.chain(method), f"mapping {method}", "tickets"):
        ticket = HeldTicket(ticket_files(name))
        mask = ticket.stored(params.hw.weight_bits, params.hw.quantizer)
        places.append(places_of(name, ticket, mask, array))
        storage += storage_of(name, ticket, mask, array, words, params.hw.weight_bits or WORD_BITS)
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
    pd.DataFrame(storage).to_csv(files.storage, index=False)
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


def storage_of(
    name: str, ticket: HeldTicket, mask: Mask, array: Array, capacity: int, weight_bits: int
) -> list[dict[str, str | int]]:
    """Return a row for each layer: what its weights take in each format, and how they fit the scratchpads."""
    rows: list[dict[str, str | int]] = []
    for layer, mapping in map_layers(ticket.layers, mask, array).items():
        stored = fit_scratchpad(mask[layer], mapping, capacity)
        bits = {f"{form}_bits": size for form, size in size_bits(mask[layer], stored, weight_bits).items()}
        fullest = {"scratchpad_words": int(stored.words.max()), "scratchpad_passes": int(stored.passes.max())}
        rows.append({"ticket": name, "layer": layer, **bits, **fullest})
    return rows


def totals_of(ticket: HeldTicket, mask: Mask, array: Array) -> dict[str, float]:
    """Return the cycles of a ticket on an array."""
    return asdict(network_totals(count_cycles(ticket.layers, mask, array, ticket.timesteps)))


if __name__ == "__main__":
    main()
