"""What is left of the balance of the last tickets of `experiments.evidence` when their weights are rounded."""

from collections.abc import Iterator

import pandas as pd

from experiments.evidence_results import KEY, RESULTS, Row, add, read, trained
from experiments.evidence_tables import NAMES, row, savings, shown, table
from uticket.base.progress import bar
from uticket.config.array import Array
from uticket.config.lineage import DENSE
from uticket.hardware.audit import audit
from uticket.ticket.quantize import QUANTIZERS
from uticket.ticket.ticket import Ticket

ROUNDED = RESULTS / "evidence_rounded.csv"
BITS = (16, 8, 4)
OF = ["method", "weight_bits", "quantizer"]


def measure() -> None:
    """Add the tickets that end a chain and are not in the table yet."""
    known = read(ROUNDED)
    done = set(known[KEY].itertuples(index=False, name=None)) if len(known) else set()
    last = [
        (key, ticket, params.hw.array)
        for key, ticket, params in trained()
        if key[2] != DENSE and key[3] == len(params.lineage.chain(key[2])) - 1 and key not in done
    ]
    rows = [
        dict(zip(KEY, key, strict=True)) | found
        for key, ticket, array in bar(last, "rounding", "tickets")
        for found in by_bits(ticket, array)
    ]
    add(ROUNDED, rows)


def by_bits(ticket: Ticket, array: Array) -> Iterator[Row]:
    """Yield a row for each number of bits and quantizer: how a ticket with rounded weights runs (analytic model)."""
    for weight_bits in BITS:
        for quantizer in QUANTIZERS:
            key = {"weight_bits": weight_bits, "quantizer": quantizer}
            found = audit(ticket, array.model_copy(update=key)).network
            numbers = {name: getattr(found, name) for name in ("nonzeros", "utilization", "latency_cycles")}
            yield key | numbers


def markdown(rounded: pd.DataFrame) -> str:
    """Return a row for each network, method, number of bits and quantizer; LTH has the same bits and quantizer."""
    lines = []
    for (network, method, bits, quantizer), rows in rounded.groupby(["network", *OF], sort=False):
        rows = rows.set_index("seed")
        same = {"network": network, "method": "lth", "weight_bits": bits, "quantizer": quantizer}
        lth = rounded[(rounded[list(same)] == pd.Series(same)).all(axis=1)].set_index("seed")
        saved = "" if method == "lth" else shown(savings(lth, rows, "latency_cycles"), 1)
        numbers = [shown(rows["nonzeros"], 0), shown(100 * rows["utilization"], 1), saved]
        lines.append(row(NAMES[str(network)], str(method), str(bits), str(quantizer), *numbers))
    return table(["network", "method", "bits", "quantizer", "nonzeros", "utilization %", "latency saved %"], lines)
