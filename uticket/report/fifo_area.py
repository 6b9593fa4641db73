"""Figure of docs/simulator.md: the latency of a VGG-16 against the area of the FIFOs, from docs/results/."""

import math
from pathlib import Path

from matplotlib.figure import Figure

from uticket.report.axes import log_axis
from uticket.report.drawing import column, draw, panels
from uticket.report.labels import name_lines
from uticket.report.looks import by_method, group_by, line_look
from uticket.report.vgg16 import read_cases

LINES = {"position": "-", "activation": ":"}  # by order of the tokens


def area_figure(path: Path) -> str:
    """Return latency against the area of the FIFO of a PE as SVG text: a curve for each method and order of tokens.

    path: vgg16_latency.csv. Rows without a FIFO, or with an unlimited one, have no place on the logarithmic axis.
    """
    rows = read_cases(path)
    bare = min(row["pe_area_um2"] for row in rows)
    points = [
        {**row, "fifo_area_um2": row["pe_area_um2"] - bare}
        for row in rows
        if row["model"] == "events" and row["weight_swap_cycles"] == 0 and bare < row["pe_area_um2"] < math.inf
    ]

    def plot(figure: Figure) -> None:
        labels = [f"{method}, by {order}" for _, method, _ in by_method(points) for order in LINES]
        (axes,) = panels(figure, names=labels)
        for number, method, found in by_method(points):
            by_order = group_by(found, "order")
            for order, style in LINES.items():
                x, y = (column(by_order[order], name) for name in ("fifo_area_um2", "latency_cycles"))
                look = {**line_look(number), "linestyle": style}
                axes.plot(x, y, **look, label=f"{method}, by {order}")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("area of the FIFO of a PE (µm²)")
        log_axis(axes, "latency (cycles)")
        name_lines(figure, [axes], labels)

    return draw(plot)
