"""The answer that the page begins with: four numbers, what they mean, and how sure they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from uticket.base.files import Row
from uticket.base.spread import Mean, sd_of
from uticket.report.run import Run
from uticket.report.savings import last_tickets, saved_pct
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
    energy = _cost("Energy of the PEs", "pe_pj", "pe_energy_saved_pct", "pJ", models, run)
    return [
        _utilization(own, base),
        _cost("Latency", "latency_cycles", "latency_saved_pct", "cycles", models, run),
        _with_memories(_beside_eq3(energy, own), models, run),
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


def _beside_eq3(card: Card, own: Row) -> Card:
    """Add to the card of energy, in pJ by the chip file, what is saved by Eq. 3, which the table of results has."""
    saved = own["energy_saved_pct"]
    return (
        replace(card, meaning=f"{card.meaning} In pJ by the chip file; by Eq. 3: {less(saved)}.")
        if known(saved)
        else card
    )


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
