"""The figures of docs/evidence.md."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.evidence_tables import NAMES, PAPER, last_of_both
from uticket.report.axes import percent_axis, weights_left_axis, whole_axis
from uticket.report.drawing import draw, panels
from uticket.report.labels import legend_below
from uticket.report.looks import colour, line_look


def rounds_figure(tickets: pd.DataFrame) -> str:
    """Return utilization against the weights left, a panel for each network, beside the paper's LTH tickets."""

    def plot(figure: Figure) -> None:
        for axes, network in zip(panels(figure, len(NAMES), gap=0.3, legend=("lth",), shared=True), NAMES, strict=True):
            of_network = tickets[tickets["network"] == network]
            for number, method in enumerate(("lth", "uticket")):
                rows = of_network[of_network["method"] == method]
                line(axes, rows, "utilization", **line_look(number), label=method)
            lth = of_network[of_network["method"] == "lth"]
            line(axes, lth, "utilization_drawn", color=colour(0), label="lth, positions at random", linestyle=":")
            paper = PAPER[network]
            left = 100 * (1 - paper["sparsity"])
            axes.plot([left], [paper["utilization"]], "k*", markersize=8, label="lth, the paper's ticket")
            weights_left_axis(axes)
            axes.set_xlim(80, 1.7)
            axes.set_xlabel(f"weights left (%), {NAMES[network]}")
        percent_axis(figure.axes[0], "utilization")
        legend_below(figure, *figure.axes[0].get_legend_handles_labels())

    return draw(plot)


def line(axes: Axes, rows: pd.DataFrame, name: str, **style: Any) -> None:
    """Plot the mean over seeds of each round; an empty line keeps its place in the legend."""
    means = rows.groupby("round")[["sparsity", name]].mean()
    axes.plot(100 * (1 - means["sparsity"]), means[name], **style)


def layers_figure(layers: pd.DataFrame) -> str:
    """Return the utilization of each layer of the last tickets, as Fig. 6 of the paper."""

    def plot(figure: Figure) -> None:
        for axes, network in zip(panels(figure, len(NAMES), gap=0.3, legend=("lth",), shared=True), NAMES, strict=True):
            for number, (method, rows) in enumerate(
                zip(("lth", "uticket"), last_of_both(layers, network), strict=False)
            ):
                means = rows.groupby("layer", sort=False)["utilization"].mean()
                axes.plot(range(1, len(means) + 1), means, **line_look(number), label=method)
            whole_axis(axes, f"layer on the PEs, in order, {NAMES[network]}")
        percent_axis(figure.axes[0], "utilization")
        legend_below(figure, *figure.axes[0].get_legend_handles_labels())

    return draw(plot)
