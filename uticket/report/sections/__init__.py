"""What the page shows, a file for each question: a figure is one more `Chart` in a file, a table one more `Listing`."""

from collections.abc import Iterator
from dataclasses import replace

from uticket.report.section import Section
from uticket.report.sections import accuracy, costs, energy, layers, quantized, rivals, rounds, sweeps, training
from uticket.report.tables import Tables


def sections(tables: Tables) -> Iterator[Section]:
    """Return the sections in the order of the page, without the parts for which there are no data."""
    for section in (
        rounds.SECTION,
        layers.SECTION,
        costs.SECTION,
        energy.SECTION,
        rivals.SECTION,
        *sweeps.sections(tables),
        quantized.SECTION,
        accuracy.SECTION,
        training.SECTION,
    ):
        parts = [part for part in section.parts if part.has_data(tables)]
        if parts:
            yield replace(section, parts=parts)
