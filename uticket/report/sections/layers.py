"""Layer by layer: the last tickets."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from uticket.base.files import Row
from uticket.report.axes import names_below, percent_axis
from uticket.report.bands import draw_bars
from uticket.report.drawing import column, is_narrow, panels
from uticket.report.labels import legend_below, text_inches
from uticket.report.looks import bar_look, by_method, group_by
from uticket.report.paper import note
from uticket.report.run import Run
from uticket.report.section import Chart, Listing, Section
from uticket.report.tables import Tables
from uticket.report.words import percent


def plot_layers(tables: Tables, figure: Figure) -> None:
    """Utilization of each layer: bars side by side, one for each method."""
    methods = by_method(tables.layers)
    names = list(dict.fromkeys(column(tables.layers, "layer")))
    legend = [method for _, method, _ in methods]
    upright = len(names) > 12 or is_narrow(figure)
    (axes,) = panels(figure, legend=legend, bottom=0.4 + text_inches(names) if upright else 0.45)
    width = 0.8 / len(methods)
    for number, method, rows in methods:
        shift = (number - (len(methods) - 1) / 2) * width
        places = [names.index(name) + shift for name in column(rows, "layer")]
        draw_bars(axes, places, column(rows, "utilization"), width, bar_look(number), method)
    names_below(axes, names)
    axes.set_xlabel("layer")
    percent_axis(axes, "utilization")
    legend_below(figure, *axes.get_legend_handles_labels())


def answer(tables: Tables, run: Run) -> str:
    """Say which layers of baseline and subject have the lowest utilization, and where they idle."""
    methods = group_by(tables.layers, "method")
    shown = [method for method in dict.fromkeys((run.baseline, run.subject)) if method in methods]
    return " ".join(_of(method, methods[method]) for method in shown or list(methods)[:1])


def _of(method: str, rows: Sequence[Row]) -> str:
    low, high = (choose(rows, key=lambda row: row["utilization"]) for choose in (min, max))
    least, most_used = (f"{row['layer']} ({percent(row['utilization'])})" for row in (low, high))
    if low["utilization"] == high["utilization"]:
        text = f"All layers of {method} have a utilization of {percent(low['utilization'])}"
    else:
        text = f"The utilization of {method} is lowest in {least} and highest in {most_used}"
    idle, most = sum(column(rows, "idle_cycles")), max(rows, key=lambda row: row["idle_cycles"])
    if not idle:
        return f"{text}; no PE is idle in the analytic model."
    return f"{text}; {percent(most['idle_cycles'] / idle)} of its idle cycles are in {most['layer']}."


SECTION = Section(
    "layers",
    "Which layers leave PEs idle?",
    [
        Chart(
            "layers",
            "Utilization of each layer of the last tickets.",
            {"layers": "layer utilization"},
            plot_layers,
        ),
        Listing(
            "Layers of the last tickets",
            "layers",
            "layer method utilization idle_cycles latency_cycles work_cycles nonzeros filters weights groups energy",
        ),
    ],
    answer,
    note("layers"),
)
