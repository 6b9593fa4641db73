"""Fill docs/evidence.md with tables and figures of the chains that `experiments.evidence` trained so far.

`--measure` first measures the tickets of .uticket/evidence that docs/results/ does not have yet. Numbers are means over
seeds with their standard deviation; a chain counts as far as it is trained.
"""

import click
import pandas as pd

from experiments import evidence_rounded
from experiments.evidence import ROOT
from experiments.evidence_figures import layers_figure, rounds_figure
from experiments.evidence_results import LAYERS, TICKETS, measure, read
from experiments.evidence_tables import accuracy, by_layer, costs, expectations, rounds, times
from uticket.base.files import write_text
from uticket.base.progress import start_logging
from uticket.report.readme import write_between

PAGE = ROOT / "docs" / "evidence.md"
FIGURES = ROOT / "docs" / "figures"
END = "<!-- end -->"


@click.command(help=__doc__)
@click.option("--measure", "new", is_flag=True, help="Measure tickets that are not in the tables yet.")
def main(new: bool) -> None:
    """Write all of it."""
    start_logging()
    if new:
        measure()
        evidence_rounded.measure()
    tickets, layers = read(TICKETS), read(LAYERS)
    for name, text in sections(tickets, layers, read(evidence_rounded.ROUNDED)).items():
        write_between(PAGE, begin(name), END, text)
    for name, figure in figures(tickets, layers).items():
        write_text(FIGURES / f"evidence-{name}.svg", figure)


def begin(name: str) -> str:
    """Return the marker after which a table stands."""
    return f"<!-- {name}: written by `python -m experiments.evidence_page` -->"


def sections(tickets: pd.DataFrame, layers: pd.DataFrame, rounded: pd.DataFrame) -> dict[str, str]:
    """Return all tables by name."""
    return {
        "expectations": expectations(tickets),
        "accuracy": accuracy(tickets),
        "costs": costs(tickets),
        "rounds": rounds(tickets),
        "layers": by_layer(layers),
        "rounded": evidence_rounded.markdown(rounded),
        "time": times(tickets),
    }


def figures(tickets: pd.DataFrame, layers: pd.DataFrame) -> dict[str, str]:
    """Return all figures by name, as SVG text."""
    return {"rounds": rounds_figure(tickets), "layers": layers_figure(layers)}


if __name__ == "__main__":
    main()
