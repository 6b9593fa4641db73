"""Round by round: every ticket of every method."""

from matplotlib.figure import Figure

from uticket.report.drawing import (
    by_method,
    column,
    panels,
    percent_axis,
    weights_left,
    weights_left_axis,
)
from uticket.report.paper import case, reported
from uticket.report.run import Run
from uticket.report.savings import last_tickets
from uticket.report.section import Chart, Listing, Section
from uticket.report.tables import Tables
from uticket.report.words import each, percent


def plot_rounds(tables: Tables, figure: Figure) -> None:
    """Utilization and accuracy against the weights that are left."""
    left, right = panels(figure, 2)
    for axes, name in ((left, "utilization"), (right, "accuracy")):
        for colour, method, rows in by_method(tables.rounds):
            axes.plot(weights_left(rows), column(rows, name), "o-", color=colour, label=method)
        weights_left_axis(axes)
        percent_axis(axes, name, decimals=None, whole=axes is left)
    left.legend(loc="lower left")


def answer(tables: Tables, run: Run) -> str:
    """Say the utilization of the last ticket of each method, and where the baseline began."""
    last = last_tickets(tables.rounds, run.baseline)
    text = f"The last tickets have a utilization (Eq. 2) of {each(last, 'utilization', percent)}, at a sparsity of "
    text += f"{each(last, 'sparsity', percent)}."
    base = [row for row in tables.rounds if row["method"] == run.baseline]
    if len(base) > 1:
        first, end = base[0]["utilization"], base[-1]["utilization"]
        went = "falls" if end < first else "rises" if end > first else "stays"
        text += f" From round {base[0]['round']} to round {base[-1]['round']}, that of {run.baseline} {went} "
        text += f"from {percent(first)} to {percent(end)}." if end != first else f"at {percent(first)}."
    return text


def paper(tables: Tables, run: Run) -> str:
    """Return what Fig. 4 ends with, as Table II has it."""
    rows = reported(run)
    lth, uticket = rows["lth"], rows["uticket"]
    return (
        f"Paper (Fig. 4, Table II; {case(run)}): LTH {percent(lth['utilization'])} at {percent(lth['sparsity'])} "
        f"sparsity, u-Ticket {percent(uticket['utilization'])} at {percent(uticket['sparsity'])}."
    )


SECTION = Section(
    "utilization",
    "How well are the PEs used as weights are pruned?",
    [
        Chart(
            "rounds",
            "Utilization of the PEs and accuracy on the test set, ticket by ticket; the dense network has all weights "
            "left.",
            {"rounds": "sparsity utilization accuracy"},
            plot_rounds,
        ),
        Listing(
            "Every ticket",
            "rounds",
            "ticket method round utilization accuracy best_epoch_accuracy sparsity spike_sparsity nonzeros "
            "latency_cycles energy work_cycles idle_cycles",
        ),
    ],
    answer,
    paper,
    "Utilization is 100 % if all PEs of each group have equally many weights, and 0 % if one PE has them all.",
)
