"""Training: accuracy by epoch."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from uticket.base.errors import listed
from uticket.base.files import Row
from uticket.report.axes import accuracy_axis, whole_axis
from uticket.report.drawing import column, panels
from uticket.report.labels import legend_below
from uticket.report.looks import DASHES, group_by
from uticket.report.paper import note
from uticket.report.run import Run
from uticket.report.section import Chart, Listing, Section
from uticket.report.tables import Tables
from uticket.report.words import known, standard_error


def plot_training(tables: Tables, figure: Figure) -> None:
    """Accuracy on the test set after each epoch: a panel per method, a line per ticket, darker with the round."""
    methods = group_by(tables.training, "method")
    names = [f"round {number}" for number in dict.fromkeys(column(tables.training, "round"))]
    found = panels(figure, len(methods), legend=names, beside=4, gap=0.15, shared=True)
    shades = mpl.colormaps["viridis_r"]
    last = max(1, *column(tables.training, "round"))
    legend: dict[str, Artist] = {}
    for axes, (method, rows) in zip(found, methods.items(), strict=True):
        for epochs in group_by(rows, "ticket").values():
            number = epochs[0]["round"]
            look = {"color": shades(0.25 + 0.75 * number / last), "linestyle": DASHES[number % len(DASHES)]}
            label = f"round {number}"
            (line,) = axes.plot(column(epochs, "epoch"), column(epochs, "test_accuracy"), **look, label=label)
            legend[label] = line
        axes.set_title(method, fontsize=9)
        whole_axis(axes, "epoch")
        accuracy_axis(axes, [row["accuracy_error"] for row in tables.rounds if "accuracy_error" in row], "")
    for axes in found:
        if axes.get_subplotspec().is_first_col():  # type: ignore[union-attr]
            axes.set_ylabel("test accuracy (%)")
    legend_below(figure, legend.values(), legend.keys())


def answer(tables: Tables, run: Run) -> str:
    """Say how far the last epochs are below the best ones, and which tickets learned nothing."""
    tickets = group_by(tables.training, "ticket")
    gaps = {ticket: _below_best(rows) for ticket, rows in tickets.items()}
    most = max(gaps, key=lambda ticket: gaps[ticket])
    of_seed = f" with seed {run.seed}, which is what is shown here" if run.seeds else ""
    text = f"{len(tickets)} networks were trained{of_seed}, for {_epochs(tickets)} epochs."
    if gaps[most]:
        text += f" The last epoch is at most {100 * gaps[most]:.1f} points below the best one ({most})."
    else:
        text += " The last epoch of each is its best one."
    failed = at_chance(tables, run)
    return f"{text} At the level of guessing: {listed(failed)}." if failed else text


def _below_best(rows: Sequence[Row]) -> float:
    accuracies: list[float] = column(rows, "test_accuracy")
    return max(accuracies) - accuracies[-1]


def _epochs(tickets: Mapping[str, Sequence[Row]]) -> str:
    numbers = [len(rows) for rows in tickets.values()]
    return str(min(numbers)) if min(numbers) == max(numbers) else f"{min(numbers)} to {max(numbers)}"


def at_chance(tables: Tables, run: Run) -> list[str]:
    """Return the tickets that end no better than guessing, or whose loss is no number; none if it is not known."""
    if run.data is None:
        return []
    chance = 1 / len(run.data.classes)
    bound = chance + 2 * standard_error(chance, run.data.test_images)
    last = {row["ticket"]: row for row in tables.training}
    failed = [ticket for ticket, row in last.items() if row["test_accuracy"] <= bound or not known(row["loss"])]
    return [*failed, *dict.fromkeys(_of_other_seeds(tables, run, bound))]


def _of_other_seeds(tables: Tables, run: Run, bound: float) -> Iterator[str]:
    for row in tables.rounds:
        for seed, accuracy in row["accuracy"].samples.items() if run.seeds else ():
            if seed != run.seed and accuracy <= bound:
                yield f"{row['ticket']} of seed {seed}"


SECTION = Section(
    "training",
    "Did training converge?",
    [
        Chart(
            "training",
            "Accuracy on the test set after each epoch; the accuracy of a ticket is that of its last epoch.",
            {"training": "round epoch test_accuracy"},
            plot_training,
        ),
        Listing("Every epoch", "training", "ticket epoch test_accuracy train_accuracy loss", detail=True),
    ],
    answer,
    note("training"),
)
