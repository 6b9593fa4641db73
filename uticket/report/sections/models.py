"""The timing models side by side."""

from collections.abc import Iterator

from uticket.report.section import Listing, Section
from uticket.report.tables import Tables

SECTION = Section(
    "Waiting for the broadcast",
    [
        Listing(
            "models",
            "method ticket model utilization busy_share latency_cycles starved_cycles blocked_cycles tail_cycles "
            "memory_cycles bound fifo_mean fifo_max tokens dropped_tokens operations latency_saved_pct "
            "pe_energy_saved_pct",
        ),
    ],
    "The analytic model knows only the busiest PE; the event model sends the spikes of the sample images to the PEs "
    "through FIFOs. busy share: work / (PEs * latency); starved: cycles in which a PE waits for the "
    "broadcaster; blocked: in which the broadcaster waits for room at another PE; tail: after the last token of a PE; "
    "memory: in which all wait for memories; bound: what needs most cycles. "
    "Cycles are for one image.",
)


def sections(tables: Tables) -> Iterator[Section]:
    """Return the section, if there is another model than the analytic one, in which nothing waits."""
    if any(row["model"] != "analytic" for row in tables.models):
        yield SECTION
