"""Round by round: every ticket of every method."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uticket.base.files import Row
from uticket.base.spread import sd_of
from uticket.report.axes import accuracy_axis, percent_axis, weights_left_axis
from uticket.report.bands import draw_band, draw_line
from uticket.report.drawing import at_right, column, panels, weights_left
from uticket.report.labels import name_lines
from uticket.report.looks import by_method, colour, line_look
from uticket.report.paper import case, reported
from uticket.report.run import Run
from uticket.report.savings import last_tickets
from uticket.report.section import Chart, Listing, Section
from uticket.report.tables import Tables
from uticket.report.words import each, percent


def plot_rounds(tables: Tables, figure: Figure) -> None:
    """Utilization and accuracy against the weights that are left."""
    methods = by_method(tables.rounds)
    names = [method for _, method, _ in methods]
    left, right = panels(figure, 2, names=names)
    for axes, name in ((left, "utilization"), (right, "accuracy")):
        for number, method, rows in methods:
            draw_line(axes, weights_left(rows), column(rows, name), line_look(number), method)
        weights_left_axis(axes)
    percent_axis(left, "utilization")
    accuracy_axis(right, [error for number, _, rows in methods for error in _band(right, number, rows)])
    name_lines(figure, at_right([left, right]), names)


def _band(axes: Axes, number: int, rows: Sequence[Row]) -> list[float]:
    """Return the standard errors of the accuracy, none if the test set is unknown; draw them if there is one seed."""
    errors = [row["accuracy_error"] for row in rows if "accuracy_error" in row]
    if errors and all(sd_of(row["accuracy"]) is None for row in rows):
        draw_band(axes, weights_left(rows), column(rows, "accuracy"), errors, colour(number), rows[0]["method"])
    return errors


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
            "Bands: one binomial standard error of the accuracy.",
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
