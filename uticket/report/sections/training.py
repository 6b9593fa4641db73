"""Training: accuracy by epoch."""

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from uticket.report.drawing import column, group_by, legend_right, panels, percent_axis, whole_axis
from uticket.report.section import Chart, Section
from uticket.report.tables import Tables


def plot_training(tables: Tables, figure: Figure) -> None:
    """Accuracy on the test set after each epoch: a panel per method, a line per ticket, darker with the round."""
    methods = group_by(tables.training, "method")
    found = panels(figure, len(methods), gap=0.15, right=0.95, shared=True)
    shades = mpl.colormaps["viridis_r"]
    last = max(1, *column(tables.training, "round"))
    legend: dict[str, Artist] = {}
    for axes, (method, rows) in zip(found, methods.items(), strict=True):
        for epochs in group_by(rows, "ticket").values():
            number = epochs[0]["round"]
            (line,) = axes.plot(column(epochs, "epoch"), column(epochs, "test_accuracy"), color=shades(number / last))
            legend[f"round {number}"] = line
        axes.set_title(method, fontsize=9)
        whole_axis(axes, "epoch")
        percent_axis(axes, "", whole=False)
    found[0].set_ylabel("accuracy on the test set")
    legend_right(figure, legend.values(), legend.keys())


SECTION = Section(
    "Training",
    [
        Chart(
            "training",
            "Accuracy on the test set after each epoch; the accuracy of a ticket is that of its last epoch.",
            {"training": "round epoch test_accuracy"},
            plot_training,
        ),
    ],
)
