"""What the page shows, a file for each topic: a figure is one more `Chart` in a file, a table one more `Listing`."""

from collections.abc import Iterator

from uticket.report.section import Section
from uticket.report.sections import energy, layers, mappings, models, rounds, sweeps, training
from uticket.report.tables import Tables


def sections(tables: Tables) -> Iterator[Section]:
    """Return the sections in the order of the page, without the parts for which there are no data."""
    for section in (
        rounds.SECTION,
        layers.SECTION,
        *models.sections(tables),
        *sweeps.sections(tables),
        mappings.OTHERS,
        mappings.ROUNDED,
        energy.SECTION,
        training.SECTION,
    ):
        parts = [part for part in section.parts if part.has_data(tables)]
        if parts:
            yield Section(section.heading, parts, section.text)
