"""Layer by layer: the last tickets."""

from matplotlib.figure import Figure

from uticket.report.drawing import by_method, column, legend_right, panels, percent_axis, text_inches
from uticket.report.section import Chart, Listing, Section
from uticket.report.tables import Tables


def plot_layers(tables: Tables, figure: Figure) -> None:
    """Utilization of each layer: bars side by side, one for each method."""
    methods = by_method(tables.layers)
    names = list(dict.fromkeys(column(tables.layers, "layer")))
    upright = len(names) > 12
    legend = 0.6 + text_inches(method for _, method, _ in methods)
    (axes,) = panels(figure, right=legend, bottom=0.2 + text_inches(names) if upright else 0.3)
    width = 0.8 / len(methods)
    for number, (colour, method, rows) in enumerate(methods):
        shift = (number - (len(methods) - 1) / 2) * width
        places = [names.index(name) + shift for name in column(rows, "layer")]
        axes.bar(places, column(rows, "utilization"), width, color=colour, label=method)
    axes.set_xticks(range(len(names)), names, rotation=90 if upright else 0)
    percent_axis(axes, "utilization")
    legend_right(figure, *axes.get_legend_handles_labels())


SECTION = Section(
    "Layer by layer",
    [
        Chart(
            "layers",
            "Utilization of each layer of the last tickets.",
            {"layers": "layer utilization"},
            plot_layers,
        ),
        Listing(
            "layers",
            "method ticket layer filters weights nonzeros groups utilization work_cycles idle_cycles latency_cycles "
            "energy",
        ),
    ],
)
