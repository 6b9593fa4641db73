"""The stage `map`: what runs where, how it is stored, and how it would run with other mappings and fewer bits."""

from collections.abc import Sequence
from itertools import product
from typing import Any

from uticket.base.files import write_rows, written_together
from uticket.base.progress import bar, log_end
from uticket.config.array import Array
from uticket.config.paths import MappingFiles, mapping_files, ticket_files
from uticket.config.plan import ChainPlan
from uticket.config.tables import MAPPINGS
from uticket.hardware.audit import audit
from uticket.hardware.chip import Chip
from uticket.hardware.formats import size_bits
from uticket.hardware.storage import WORD_BITS, fit_scratchpad
from uticket.mapping.placed import Placed, place
from uticket.ticket.quantize import QUANTIZERS
from uticket.ticket.ticket import Ticket

Row = dict[str, Any]
SIZES = ("filters", "weights", "nonzeros", "groups")
TOTALS = (*SIZES, "utilization", "utilization_ceil", "work_cycles", "idle_cycles", "latency_cycles")


def map_chain(chain: ChainPlan, array: Array, chip: Chip, bits: Sequence[int]) -> None:
    """Map all tickets of a method; bits: at which rounded weights are mapped too, with each quantizer."""
    places: list[Row] = []
    storage: list[Row] = []
    mappings: list[Row] = []
    rounded: list[Row] = []
    num_runs = len(chain.tickets) * (len(MAPPINGS) + len(bits) * len(QUANTIZERS))
    with bar(None, f"mapping {chain.method}", "mappings", total=num_runs) as progress:
        for name in chain.tickets:
            ticket = Ticket.read(ticket_files(name).folder, spikes=False)
            placed, left_out = place(ticket, array), ticket.on_array(array).left_out
            places += [{"ticket": name, **row} for layer in placed for row in places_of(layer)]
            storage += [{"ticket": name, **storage_of(layer, array, chip)} for layer in placed]
            for mapping in MAPPINGS:
                totals = totals_of(ticket, array.model_copy(update={"mapping": mapping}))
                mappings.append({"ticket": name, "mapping": mapping, **totals})
                progress.update()
            for weight_bits, quantizer in product(bits, QUANTIZERS):
                key = {"weight_bits": weight_bits, "quantizer": quantizer}
                rounded.append({"ticket": name, **key, **totals_of(ticket, array.model_copy(update=key))})
                progress.update()
    with written_together(mapping_files(chain.method).folder) as part:
        files = MappingFiles(part)
        write_rows(files.places, places)
        write_rows(files.storage, storage)
        write_rows(files.mappings, mappings)
        write_rows(files.rounded, rounded, header=["ticket", "weight_bits", "quantizer", *TOTALS, *left_out.columns()])
    found = f"{chain.method}, {len(chain.tickets)} tickets on {array.pes} PEs; {left_out}"
    log_end("map", found, mapping_files(chain.method).folder)


def places_of(placed: Placed) -> list[Row]:
    """Return a row for each filter of a layer, or slice of one: where it runs, with how many weights."""
    rows: dict[tuple[int, int, int], int] = {}
    units = zip(placed.filter.tolist(), placed.group.tolist(), placed.pe.tolist(), strict=True)
    for key, nonzeros in zip(units, placed.nonzeros.tolist(), strict=True):
        rows[key] = rows.get(key, 0) + nonzeros
    columns = ("filter", "group", "pe")
    return [
        {"layer": placed.layer.name, **dict(zip(columns, key, strict=True)), "workload": n} for key, n in rows.items()
    ]


def storage_of(placed: Placed, array: Array, chip: Chip) -> Row:
    """Return what the weights of a layer take in each format, and how they fit the scratchpads."""
    stored = fit_scratchpad(placed, chip.scratchpad_words.value)
    sizes = size_bits(placed, stored, array.weight_bits or WORD_BITS)
    bits = {f"{form}_bits": size for form, size in sizes.items()}
    fullest = {"scratchpad_words": int(stored.words.max()), "scratchpad_passes": int(stored.passes.max())}
    return {"layer": placed.layer.name, **bits, **fullest}


def totals_of(ticket: Ticket, array: Array) -> Row:
    """Return the cycles of a ticket on an array."""
    found = audit(ticket, array)
    return {**{name: getattr(found.network, name) for name in TOTALS}, **found.left_out.columns()}
