"""Figure of what was explored: latency against energy and against area."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from uticket.base.files import Row
from uticket.report.drawing import column, draw, panels
from uticket.report.labels import legend_below
from uticket.report.looks import MARKERS, colour, group_by

COSTS = {"total_pj": ("energy (uJ for an image)", 1e6), "area_um2": ("area (mm2)", 1e6)}  # column: axis, and its unit
FRONT = "front"
MOST_DRAWN = 2000  # points of a ticket beside the front, evenly taken


def figure_of(rows: Sequence[Row]) -> str:
    """Return the figure as SVG text: all points in light colours, those on the Pareto fronts in full ones.

    rows: `uticket.exploring.explore.Explored.rows`. Points of unlimited area are left out of its panel.
    """
    tickets = group_by(rows, "ticket")
    names = ["/".join(name.split("/")[-2:]) for name in tickets]

    def plot_all(figure: Figure) -> None:
        several = len(names) > 1
        axes = panels(figure, len(COSTS), legend=names if several else ())
        for panel, (name, (label, unit)) in zip(axes, COSTS.items(), strict=True):
            for number, of_ticket in enumerate(tickets.values()):
                _plot(panel, of_ticket, name, unit, number)
            panel.set_xscale("log")
            panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            panel.xaxis.set_major_formatter("{x:g}")
            panel.xaxis.set_minor_formatter(NullFormatter())
            panel.set_xlabel("latency (us for an image)")
            panel.set_ylabel(label)
        if several:
            legend_below(figure, [line for line in axes[0].lines if line.get_label() == FRONT], names)

    return draw(plot_all)


def _plot(axes: Axes, rows: Sequence[Row], name: str, unit: float, number: int) -> None:
    """Plot the points of a ticket. unit: of the axis, in those of the column `name`."""
    style: dict[str, Any] = {"color": colour(number), "marker": MARKERS[number % len(MARKERS)]}
    finite = [row for row in rows if math.isfinite(row[name])]
    others, front = ([row for row in finite if row["pareto"] == best] for best in (0, 1))
    others = others[:: -(-len(others) // MOST_DRAWN) or 1]
    for shown, how in ((others, {"markersize": 2, "alpha": 0.25}), (front, {"markersize": 4, "label": FRONT})):
        axes.plot(column(shown, "latency_us"), [row[name] / unit for row in shown], linestyle="", **style, **how)
