"""How all figures are drawn: SVG text that is the same bytes for the same tables."""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, MaxNLocator, PercentFormatter

from uticket.base.files import Row
from uticket.report.section import Chart
from uticket.report.tables import Tables

COLOURS = ["#c4513a", "#2a6f97", "#6a994e", "#7b5ea7", "#b8860b", "#4d4d4d"]  # methods, in the order of params.yaml
WIDTH, HEIGHT = 8, 3  # of a figure, in inches
LEAST_HEIGHT = 1.2  # of a panel, in inches: with many methods in the legend below it, the figure is higher
STYLE: Any = {
    "svg.hashsalt": "uticket",  # otherwise ids are drawn at random
    "svg.fonttype": "path",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "lines.markersize": 4,
}
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw_charts(charts: Iterable[Chart], tables: Tables) -> dict[str, str]:
    """Return the figures by name, as SVG text."""
    return {chart.name: draw(partial(chart.plot, tables)) for chart in charts}


def draw(plot: Callable[[Figure], None]) -> str:
    """Return the figure that `plot` fills, as SVG text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT))
        plot(figure)
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
    return text.getvalue()


def panels(
    figure: Figure, count: int = 1, *, gap: float = 0.8, right: float = 0.1, bottom: float = 0.45, shared: bool = False
) -> list[Axes]:
    """Return `count` panels side by side. gap, right, bottom: room for labels and legends beside them, in inches.

    shared: with one vertical axis. Margins are given, since measuring all texts takes as long as drawing them.
    """
    left, top = 0.7, 0.2
    height = max(HEIGHT, bottom + LEAST_HEIGHT + top)
    figure.set_figheight(height)
    room = (WIDTH - left - right - gap * (count - 1)) / count
    margins = {"left": left / WIDTH, "right": 1 - right / WIDTH, "bottom": bottom / height, "top": 1 - top / height}
    grid = {**margins, "wspace": gap / room}
    return list(figure.subplots(1, count, sharey=shared, squeeze=False, gridspec_kw=grid)[0])


def text_inches(texts: Iterable[str]) -> float:
    """Return how wide the longest of some texts is, about, in the size of labels."""
    return 0.08 * max((len(text) for text in texts), default=0)


def legend_right(figure: Figure, lines: Iterable[Artist], labels: Iterable[str]) -> None:
    """Put a legend into the upper right corner; `panels` leaves room for it by `right`."""
    figure.legend(lines, labels, loc="upper right", borderaxespad=0.2)


def legend_columns(labels: Iterable[str]) -> int:
    """Return how many labels fit beside each other in a legend below the panels."""
    return max(1, int(WIDTH / (0.55 + text_inches(labels))))


def by_method(rows: Sequence[Row]) -> list[tuple[str, str, list[Row]]]:
    """Return colour, method and its rows for each method, in the order of the rows."""
    groups = group_by(rows, "method")
    return [(COLOURS[i % len(COLOURS)], method, group) for i, (method, group) in enumerate(groups.items())]


def group_by(rows: Sequence[Row], name: str) -> dict[str, list[Row]]:
    """Return the rows of each value of a column, in the order of the rows."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[name], []).append(row)
    return groups


def column(rows: Sequence[Row], name: str) -> list[Any]:
    """Return the values of a column."""
    return [row[name] for row in rows]


def weights_left(rows: Sequence[Row]) -> list[float]:
    """Return the share of the weights that are left, in percent."""
    return [100 * (1 - row["sparsity"]) for row in rows]


def weights_left_axis(axes: Axes) -> None:
    """Give a plot against `weights_left` its horizontal axis: a logarithm, with the dense network on the left."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:.3g}")
    axes.invert_xaxis()
    axes.set_xlabel("weights left (%)")


def percent_axis(axes: Axes, label: str, decimals: int | None = 0, whole: bool = True) -> None:
    """Show the fractions of the vertical axis in percent. whole: from 0 to 100 %."""
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=decimals))
    axes.set_ylabel(label)
    if whole:
        axes.set_ylim(0, 1.05)


def log_axis(axes: Axes, label: str) -> None:
    """Make the vertical axis logarithmic."""
    axes.set_yscale("log")
    axes.set_ylabel(label)
    for set_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        set_formatter(Powers())


def whole_axis(axes: Axes, label: str) -> None:
    """Give the horizontal axis ticks at a few whole numbers only."""
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set_xlabel(label)


class Powers(LogFormatterSciNotation):
    """Powers of ten as plain text, such as 2×10⁴; as formulas they take longer than all else in a figure."""

    axis: Axis

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the label of the tick at `x`; none where it would stand too close to the next one."""
        formula = super().__call__(x, pos).replace(r"\times", "\u00d7")
        text = re.sub(r"\^\{(.*?)\}", lambda found: found[1].translate(SUPERSCRIPTS), formula)
        return re.sub(r"\\mathdefault|[${}]", "", text).replace("\u2212", "-")
