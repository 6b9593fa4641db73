"""The last tickets at other values of a setting of the array: a section for each setting that was swept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uticket.base.files import Row
from uticket.report.axes import are_upright, log_axis, names_below, percent_axis
from uticket.report.bands import draw_line
from uticket.report.drawing import at_right, column, is_narrow, panels
from uticket.report.labels import name_lines, text_inches
from uticket.report.looks import by_method, group_by, line_look
from uticket.report.paper import note
from uticket.report.run import Run
from uticket.report.section import Chart, Listing, Section
from uticket.report.tables import Tables
from uticket.report.words import MODELS, whole

COSTS = ("utilization", "busy_share", "latency_cycles")
LINES = {"analytic": "-"}  # by timing model; any other one is dotted


@dataclass(frozen=True)
class Knob:
    """What the page says about a setting."""

    heading: str
    axis: str
    caption: str
    note: str = ""  # of paper.yaml


KNOBS = {
    "pes": Knob(
        "How many PEs are worth it?",
        "PEs",
        "The last tickets on arrays of other sizes; those that are balanced for groups of PEs keep their balance for "
        "hw.pes.",
        "pes",
    ),
    "broadcast.fifo_depth": Knob(
        "How deep do FIFOs have to be?",
        "depth of the FIFOs (tokens)",
        "The last tickets with FIFOs of other depths. Utilization is Eq. 2 with the latency of a group as that of its "
        "busiest PE.",
        "rivals",
    ),
    "broadcast.width": Knob(
        "How wide does the broadcast have to be?",
        "tokens sent in a cycle at most",
        "The last tickets with broadcasts of other widths; inf is an ideal broadcaster.",
    ),
}


def sections(tables: Tables) -> Iterator[Section]:
    """Return a section for each knob of the table, in its order."""
    for name in dict.fromkeys(column(tables.sweeps, "knob")):
        knob = KNOBS.get(
            name, Knob(f"Other values of hw.{name}", f"hw.{name}", f"The last tickets at each value of hw.{name}.")
        )
        yield Section(
            f"sweep-{name}-section",
            knob.heading,
            [
                Chart(f"sweep-{name}", knob.caption, {"sweeps": " ".join(COSTS)}, partial(plot_sweep, name, knob.axis)),
                Listing(
                    "Every value",
                    "sweeps",
                    "method model value latency_cycles utilization busy_share energy pe_area_um2 starved_cycles "
                    "blocked_cycles tail_cycles fifo_mean fifo_max",
                    where={"knob": name},
                ),
            ],
            partial(answer, name),
            note(knob.note) if knob.note else None,
        )


def answer(knob: str, tables: Tables, run: Run) -> str:
    """Say how the cost of the baseline and of the subject changes from the first value of a knob to the last."""
    rows = group_by(tables.sweeps, "knob")[knob]
    model = "events" if any(row["model"] == "events" for row in rows) else "analytic"
    methods = group_by([row for row in rows if row["model"] == model], "method")
    shown = [method for method in dict.fromkeys((run.baseline, run.subject)) if method in methods] or list(methods)[:1]
    values = in_order(column(methods[shown[0]], "value"))
    said = "; ".join(_of(method, values, methods[method]) for method in shown)
    return f"In the {MODELS[model]}, with {knob} from {values[0]} to {values[-1]}: {said}."


def _of(method: str, values: Sequence[str], rows: Sequence[Row]) -> str:
    by_value = {row["value"]: row for row in rows}
    first, last = by_value[values[0]], by_value[values[-1]]
    if not first["latency_cycles"] or not first["pe_pj"]:
        return f"{method} takes no cycles, since no layer of it runs on the PEs"
    cycles = " to ".join(whole(row["latency_cycles"]) for row in (first, last))
    latency, energy = (f"{last[name] / first[name]:.2f} times" for name in ("latency_cycles", "pe_pj"))
    text = f"latency of {method} goes from {cycles} cycles ({latency}), PE energy to {energy}"
    best = min(rows, key=lambda row: row["latency_cycles"])
    if best["latency_cycles"] < last["latency_cycles"]:
        text += f" (lowest latency at {best['value']}: {whole(best['latency_cycles'])} cycles)"
    return text


def plot_sweep(knob: str, label: str, tables: Tables, figure: Figure) -> None:
    """Utilization, busy share and latency against the values of a knob, evenly spaced; a line per method and model."""
    rows = group_by(tables.sweeps, "knob")[knob]
    values = in_order(column(rows, "value"))
    names = list(dict.fromkeys(f"{row['method']}, {row['model']}" for row in rows))
    room = (3 if is_narrow(figure) else 1.6) / len(values)  # inches, about
    bottom = 0.45 + (text_inches(values) if are_upright(values, room) else 0)
    shown = panels(figure, 3, names=names, beside=3, gap=0.7, bottom=bottom)
    for axes, name in zip(shown, COSTS, strict=True):
        _plot_lines(axes, rows, name, values)
        names_below(axes, values)
        axes.set_xlabel(label)
    percent_axis(shown[0], "utilization")
    percent_axis(shown[1], "busy share")
    log_axis(shown[2], "latency (cycles)")
    name_lines(figure, at_right(shown), names)


def _plot_lines(axes: Axes, rows: Sequence[Row], name: str, values: Sequence[str]) -> None:
    """Plot a column against the place of the value among `values`; words are not joined by lines."""
    numeric = is_numeric(values)
    for number, method, own in by_method(rows):
        for model, points in group_by(own, "model").items():
            look = {**line_look(number), "linestyle": LINES.get(model, ":") if numeric else "none"}
            if model not in LINES:
                look["fillstyle"] = "none"
            places = [values.index(value) for value in column(points, "value")]
            draw_line(axes, places, column(points, name), look, f"{method}, {model}")
    if not numeric:
        axes.set_xlim(-0.5, len(values) - 0.5)


def in_order(values: Sequence[str]) -> list[str]:
    """Return the distinct values: numbers by size, words in the order in which they appear."""
    distinct = list(dict.fromkeys(values))
    return sorted(distinct, key=float) if is_numeric(distinct) else distinct


def is_numeric(values: Sequence[str]) -> bool:
    """Return whether all values are numbers; inf is one."""
    try:
        return all(float(value) >= 0 for value in values)
    except ValueError:
        return False
