"""Accuracy: what the last tickets lose, and what the test set can show of it."""

from uticket.base.files import Row
from uticket.report.paper import case, reported
from uticket.report.run import Run
from uticket.report.savings import last_tickets
from uticket.report.section import Listing, Section
from uticket.report.tables import Tables
from uticket.report.words import MOST, compared, each, joined, one_seed, percent


def answer(tables: Tables, run: Run) -> str:
    """Compare each method's accuracy with the baseline's."""
    last = {row["method"]: row for row in last_tickets(tables.rounds, run.baseline)}
    base, images = last.get(run.baseline), run.test_images
    accuracies = each(list(last.values()), "accuracy", percent)
    text = f"After the last epoch the last tickets have an accuracy of {accuracies}."
    others = [row for method, row in last.items() if method != run.baseline]
    others.sort(key=lambda row: row["method"] != run.subject)
    for row in others[:MOST]:
        if base is not None:
            difference = compared(row["accuracy"], base["accuracy"], images)
            text += f" Against {run.baseline}, {row['method']}: {difference}."
    if images is not None:
        text += f" An image of the test set is worth 1/{images}, {100 / images:.2f} points."
    if not run.seeds:
        return f"{text} {one_seed(run.seed)}"
    return f"{text} Accuracies are means ± one standard deviation over the seeds {joined(list(map(str, run.seeds)))}."


def last_and_best(tables: Tables) -> list[Row]:
    """Return the last tickets with the accuracy of the last epoch and of the best one."""
    shown = ("method", "accuracy", "best_epoch_accuracy", "sparsity", "spike_sparsity", "ticket")
    last = {row["method"]: row for row in tables.rounds}  # of several rows of a method, the last one
    return [{name: row[name] for name in shown if name in row} for row in last.values()]


def paper(tables: Tables, run: Run) -> str:
    """Return Table I."""
    lth, uticket = reported(run)["lth"], reported(run)["uticket"]
    return (
        f"Paper (Table I; {case(run)}): LTH {percent(lth['accuracy'])}, u-Ticket {percent(uticket['accuracy'])}, "
        "best epoch on the test set in the published code."
    )


SECTION = Section(
    "accuracy",
    "Is accuracy kept?",
    [Listing("Last epoch and best epoch", last_and_best)],
    answer,
    paper,
    "The accuracy of the last epoch is what counts here; the best epoch is chosen on the test set, so it is too high.",
)
