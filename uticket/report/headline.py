"""The answer that the page begins with: four numbers, what they mean, and how sure they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from uticket.base.errors import listed
from uticket.base.files import Row
from uticket.base.spread import Mean, sd_of
from uticket.base.text import cell, heading
from uticket.report.paper import reported
from uticket.report.run import Run
from uticket.report.savings import last_tickets, results, saved_pct
from uticket.report.sections.training import at_chance
from uticket.report.tables import Tables
from uticket.report.words import (
    MODELS,
    amount,
    difference_in_points,
    error_of_difference,
    judged,
    known,
    less,
    one_seed,
    percent,
    signed,
    whole,
    with_error,
)

PAPER_ROWS = ("accuracy", "sparsity", "spike_sparsity", "utilization", "latency_saved_pct", "energy_saved_pct")
SOURCES = ("Table I", "Table II", "Table II", "Table II", "Table II", "Fig. 7a")


@dataclass(frozen=True)
class Card:
    """A number of the answer: its topic, the number, what it means, how sure it is."""

    topic: str
    value: str
    meaning: str
    error: str


def cards(tables: Tables, run: Run) -> list[Card]:
    """Return the answer: utilization, latency, energy and accuracy of the subject beside the baseline."""
    last = {row["method"]: row for row in last_tickets(tables.rounds, run.baseline)}
    own = last.get(run.subject)
    if own is None:
        return []
    base = last.get(run.baseline) if run.subject != run.baseline else None
    models = {(row["method"], row["model"]): row for row in tables.models}
    return [
        _utilization(own, base),
        _cost("Latency", "latency_cycles", "latency_saved_pct", "cycles", models, run),
        _with_memories(_cost("Energy of the PEs", "pe_pj", "pe_energy_saved_pct", "pJ", models, run), models, run),
        _accuracy(own, base, run),
    ]


def _utilization(own: Row, base: Row | None) -> Card:
    beside = f"; {base['method']}: {percent(base['utilization'])}" if base else ""
    meaning = (
        f"with {own['method']} at {percent(own['sparsity'])} sparsity{beside}. 100 %: the PEs of a group have equal "
    )
    meaning += "work."
    if base:
        error = _spread(difference_in_points(own["utilization"], base["utilization"]), "points")
    else:
        error = _spread(own["utilization"])
    exact = "Counted from the mask: no error for this ticket."
    return Card("Utilization", percent(own["utilization"]), meaning, error or exact)


def _spread(value: float, unit: str = "") -> str:
    """Say what ± is, and how `value`, a difference in `unit`, stands to it; empty without a spread over seeds."""
    if not isinstance(value, Mean) or sd_of(value) is None:
        return ""
    text = f"±: one standard deviation over {len(value.samples)} seeds."
    return f"{text} The difference is {judged(value, unit)}." if unit else text


def _cost(topic: str, cost: str, saved: str, unit: str, models: dict[tuple[str, str], Row], run: Run) -> Card:
    one, other = (models.get((run.subject, model)) for model in ("analytic", "events"))
    if one is None or not known(one.get(saved)):
        value = f"{whole(one[cost])} {unit}" if one else "not measured"
        error = [_spread(one[cost]) if one else "", _sampled(other, cost, unit, run)]
        return Card(topic, value, f"for an image, by {run.subject} in the analytic model.", _text(error))
    meaning = f"than {run.baseline}, by {run.subject} in the analytic model."
    if other is None or not known(other.get(saved)):
        error = [_spread(one[saved], "%"), "The event model was not run: waiting for spikes is not in this number."]
    else:
        meaning += f" Under real spikes (event model): {less(other[saved])}."
        error = [_spread(one[saved], "%"), _images(run)]
    return Card(topic, amount(one[saved]), meaning, _text(error))


def _with_memories(card: Card, models: dict[tuple[str, str], Row], run: Run) -> Card:
    """Add to the card of energy what is saved of the whole, memories included."""
    model = "events" if (run.subject, "events") in models else "analytic"
    own, base = models.get((run.subject, model)), models.get((run.baseline, model))
    if own is None or base is None or own is base or not base["total_pj"]:
        return card
    saved = saved_pct(own["total_pj"], base["total_pj"])
    if saved is None:
        return card
    return replace(card, meaning=f"{card.meaning} Memories included ({MODELS[model]}): {less(saved)}.")


def _sampled(row: Row | None, cost: str, unit: str, run: Run) -> str:
    if row is None:
        return "The event model was not run."
    return f"Event model: {whole(row[cost])} {unit}. {_images(run)}"


def _images(run: Run) -> str:
    images = run.blocks["report"].sample_images
    return f"Analytic: exact for this ticket. Events: mean of {images} test image{'s' if images != 1 else ''}."


def _text(sentences: Sequence[str]) -> str:
    return " ".join(filter(None, sentences))


def _accuracy(own: Row, base: Row | None, run: Run) -> Card:
    images = run.test_images
    worth = (
        f"An image of the test set is worth {100 / images:.2f} points." if images else "Size of the test set unknown."
    )
    if base is None:
        error = [worth, _spread(own["accuracy"]) or one_seed(run.seed)]
        meaning = f"of the test images, by {own['method']}."
        return Card("Accuracy", with_error(own["accuracy"], images), meaning, _text(error))
    points = difference_in_points(own["accuracy"], base["accuracy"])
    value, error = f"{signed(points)} points", [_spread(points, "points"), worth]
    if not error[0]:
        error.append(one_seed(run.seed))
        if images:
            binomial = 100 * error_of_difference(own["accuracy"], base["accuracy"], images)
            value = f"{signed(points)} ± {binomial:.1f} points"
            error.insert(2, "±: binomial standard error of the difference.")
    both = ", ".join(f"{row['method']} {with_error(row['accuracy'], images)}" for row in (own, base))
    return Card("Accuracy", value, f"against {base['method']}: {both}.", _text(error))


def results_with_errors(tables: Tables, run: Run) -> list[Row]:
    """Return the table of results: accuracies with their standard error, and both models' latency."""
    events = {row["method"]: row for row in tables.models if row["model"] == "events"}
    rows: list[Row] = []
    for row in results(tables.rounds, run.baseline):
        found = {"method": row["method"], "accuracy": with_error(row["accuracy"], run.test_images)}
        found |= {
            name: row[name] for name in ("utilization", "latency_saved_pct", "energy_saved_pct", "latency_cycles")
        }
        found["latency cycles, events"] = _cell(events.get(row["method"]), "latency_cycles")
        rows.append(
            found | {name: row[name] for name in ("sparsity", "spike_sparsity", "energy", "work_cycles", "idle_cycles")}
        )
    return rows


def _cell(row: Row | None, name: str) -> str:
    return "" if row is None else cell(name, row.get(name))


def beside_paper(tables: Tables, run: Run) -> list[Row]:
    """Return a row for each number that the paper prints too: here and there, for each of its methods that was run."""
    last = {row["method"]: row for row in last_tickets(tables.rounds, run.baseline)}
    there = reported(run)
    methods = [method for method in there if method in last]
    rows: list[Row] = []
    for name, source in zip(PAPER_ROWS, SOURCES, strict=True):
        cells = {}
        for method in methods:
            cells[f"{method}, here"] = cell(name, last[method].get(name))
            cells[f"{method}, paper"] = cell(name, there[method].get(name))
        rows.append({"number": heading(name), **cells, "in the paper": source})
    return rows if methods else []


def warnings(tables: Tables, run: Run) -> Iterator[str]:
    """Say what makes the results of this run doubtful."""
    yield from run.left_out
    failed = at_chance(tables, run)
    if failed:
        yield f"No better than guessing, so that what is below says little about them: {listed(failed)}."
    silent = [row["ticket"] for row in tables.rounds if not known(row["spike_sparsity"])]
    if silent:
        yield f"No layer runs on the PEs: {listed(silent)}."
    if run.test_images is None:
        yield "The prepared data set is not here, so accuracies have no error: `dvc pull data/prepared` brings it."
