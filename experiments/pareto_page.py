"""Fill docs/sharing.md with the tables and figures of what `experiments.pareto` found.

Numbers are means over seeds with their standard deviation. `python -m experiments.pareto_page`.
"""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from experiments.pareto import DEPTHS, ROOT, read
from experiments.pareto_methods import DATA, METHODS
from uticket.base.files import write_text
from uticket.hardware.chip import Chip
from uticket.report.axes import percent_axis
from uticket.report.drawing import draw, panels
from uticket.report.labels import legend_below
from uticket.report.looks import Look, line_look
from uticket.report.readme import write_between

PAGE = ROOT / "docs" / "sharing.md"
FIGURES = ROOT / "docs" / "figures"
END = "<!-- end -->"
SHOWN = 3  # of the last rounds, in the figure
DRAWN = ("lth", "lth-paired", "uticket", "first4-1", "share4")  # methods, in the figure
PANELS = ("0", "8", "64")  # depths, in the figure


def main() -> None:
    """Write all of it."""
    for data in DATA:
        table = read(data)
        if len(table):
            write_between(PAGE, begin(data), END, markdown(table))
            write_text(FIGURES / f"pareto-{data}.svg", drawn(table))


def begin(data: str) -> str:
    """Return the marker after which the table of a data set stands."""
    return f"<!-- {data}: written by `python -m experiments.pareto_page` -->"


def last_rounds(table: pd.DataFrame, number: int = 1) -> pd.DataFrame:
    """Return the rows of the last rounds."""
    last: pd.DataFrame = table[table["round"] > table["round"].max() - number]
    return last


def markdown(table: pd.DataFrame) -> str:
    """Return a row for each method: its last tickets."""
    chip = Chip.read()
    depths = [
        f"FIFO {name} (area {1 + chip.fifo_area_um2(depth) / chip.pe_area_um2:.2f})" for name, depth in DEPTHS.items()
    ]
    titles = ["method", "seeds", "accuracy %", "sparsity %", "utilization %", "analytic", *depths]
    lines = [f"| {' | '.join(titles)} |", "|---|" + "---:|" * (len(titles) - 1)]
    for method, rows in by_method(last_rounds(table)):
        shares = [spread(100 * rows[name], 2) for name in ("accuracy", "sparsity", "utilization")]
        names = ["cycles_analytic", *(f"cycles_fifo_{name}" for name in DEPTHS)]
        cells = [method, str(len(rows)), *shares, *(spread(rows[name], 0) for name in names)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def by_method(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each method, in the order of METHODS."""
    groups = dict(list(table.groupby("method")))
    return [(method, groups[method]) for method in METHODS if method in groups]


def spread(values: "pd.Series[float]", digits: int) -> str:
    """Return mean and standard deviation as text; of one value, the value."""
    deviation = f" ± {values.std():,.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():,.{digits}f}{deviation}"


def drawn(table: pd.DataFrame) -> str:
    """Return the figure: accuracy against event latency, a panel for each depth, a line for each method."""
    rows_of = dict(by_method(last_rounds(table, SHOWN)))

    def plot_all(figure: Figure) -> None:
        shown = panels(figure, len(PANELS), legend=DRAWN, beside=len(PANELS), gap=0.3, shared=True)
        for axes, depth in zip(shown, PANELS, strict=True):
            for number, method in enumerate(DRAWN):
                if method in rows_of:
                    plot(axes, rows_of[method], f"cycles_fifo_{depth}", line_look(number), method)
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter(lambda cycles, _: f"{cycles / 1000:g}")
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_xlabel(f"latency (10³ cycles), FIFO {depth}")
        percent_axis(figure.axes[0], "accuracy", whole=False)
        legend_below(figure, *shown[0].get_legend_handles_labels())

    return draw(plot_all)


def plot(axes: Any, rows: pd.DataFrame, name: str, look: Look, label: str) -> None:
    """Plot a point for each round, with one standard deviation up and down."""
    rounds = rows.groupby("round")
    accuracy = rounds["accuracy"]
    style = {**look, "label": label, "markersize": 3, "capsize": 2}
    axes.errorbar(rounds[name].mean(), accuracy.mean(), yerr=accuracy.std().fillna(0), **style)


if __name__ == "__main__":
    main()
