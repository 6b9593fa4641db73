"""Fewer bits: what rounding the weights does to accuracy and balance."""

from collections.abc import Sequence

from uticket.base.files import Row
from uticket.report.looks import group_by
from uticket.report.run import Run
from uticket.report.savings import last_tickets
from uticket.report.section import Listing, Section
from uticket.report.tables import Tables
from uticket.report.words import compared, percent


def answer(tables: Tables, run: Run) -> str:
    """Say what the fewest bits leave of balance and accuracy, by each quantizer."""
    methods = group_by(tables.quantized, "method")
    method = run.subject if run.subject in methods else next(iter(methods))
    fewest = min(row["weight_bits"] for row in methods[method])
    before = next(row for row in last_tickets(tables.rounds, run.baseline) if row["method"] == method)
    said = _said([row for row in methods[method] if row["weight_bits"] == fewest], before, run)
    trained = percent(before["utilization"])
    return f"{method} has a utilization of {trained} as trained; with weights of {fewest} bits: {said}."


def _said(rows: Sequence[Row], before: Row, run: Run) -> str:
    return "; ".join(
        f"{row['quantizer']} {percent(row['utilization'])}, accuracy "
        f"{compared(row['accuracy'], before['accuracy'], run.test_images)}"
        for row in rows
    )


SECTION = Section(
    "quantization",
    "What is left after quantization?",
    [
        Listing(
            "Each number of bits",
            "quantized",
            "method weight_bits quantizer accuracy utilization nonzeros latency_cycles work_cycles idle_cycles groups",
        )
    ],
    answer,
    None,
    "plain: weights below half a step become zero, which undoes the balance; keep_mask: a kept weight has at least one "
    "step. The paper has no quantized tickets.",
)
