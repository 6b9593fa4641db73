"""Round by round: every ticket of every method."""

from matplotlib.figure import Figure

from uticket.report.drawing import (
    by_method,
    column,
    log_axis,
    panels,
    percent_axis,
    weights_left,
    weights_left_axis,
    whole_axis,
)
from uticket.report.section import Chart, Listing, Section
from uticket.report.tables import Tables


def plot_rounds(tables: Tables, figure: Figure) -> None:
    """Utilization and accuracy against the weights that are left."""
    left, right = panels(figure, 2)
    for axes, name in ((left, "utilization"), (right, "accuracy")):
        for colour, method, rows in by_method(tables.rounds):
            axes.plot(weights_left(rows), column(rows, name), "o-", color=colour, label=method)
        weights_left_axis(axes)
        percent_axis(axes, name, decimals=None, whole=axes is left)
    left.legend(loc="lower left")


def plot_cost(tables: Tables, figure: Figure) -> None:
    """Latency and energy against the round."""
    costs = (("latency_cycles", "latency (cycles)"), ("energy", "energy of the PEs (E_d)"))
    for axes, (name, label) in zip(panels(figure, 2), costs, strict=True):
        for colour, method, rows in by_method(tables.rounds):
            axes.plot(column(rows, "round"), column(rows, name), "o-", color=colour, label=method)
        log_axis(axes, label)
        whole_axis(axes, "round")
        axes.legend(loc="lower left")


SECTION = Section(
    "Round by round",
    [
        Chart(
            "rounds",
            "Utilization of the PEs and accuracy on the test set, ticket by ticket; the dense network has all weights "
            "left.",
            {"rounds": "sparsity utilization accuracy"},
            plot_rounds,
        ),
        Chart(
            "cost",
            "Latency and energy of the PEs, ticket by ticket.",
            {"rounds": "round latency_cycles energy"},
            plot_cost,
        ),
        Listing(
            "rounds",
            "method round ticket accuracy best_epoch_accuracy sparsity spike_sparsity nonzeros utilization work_cycles "
            "idle_cycles latency_cycles energy",
        ),
    ],
)
