"""Latency and energy: what each method saves, in both timing models."""

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from uticket.base.files import Row
from uticket.base.text import cell
from uticket.report.axes import log_axis, whole_axis
from uticket.report.bands import draw_line
from uticket.report.drawing import at_right, column, panels
from uticket.report.labels import name_lines
from uticket.report.looks import by_method, group_by, line_look
from uticket.report.paper import case, reported
from uticket.report.run import Run
from uticket.report.section import Chart, Listing, Section
from uticket.report.tables import Tables
from uticket.report.words import MODELS, MOST, joined, known, less, than

SAVED = {"latency": "latency_saved_pct", "PE energy": "pe_energy_saved_pct"}
COST = {"latency": "latency_cycles", "PE energy": "pe_pj"}


def plot_cost(tables: Tables, figure: Figure) -> None:
    """Latency and energy against the round."""
    costs = (("latency_cycles", "latency (cycles)"), ("energy", "energy of the PEs (E_d)"))
    methods = by_method(tables.rounds)
    names = [method for _, method, _ in methods]
    shown = panels(figure, 2, names=names)
    for axes, (name, label) in zip(shown, costs, strict=True):
        for number, method, rows in methods:
            draw_line(axes, column(rows, "round"), column(rows, name), line_look(number), method)
        log_axis(axes, label)
        whole_axis(axes, "round")
    name_lines(figure, at_right(shown), names)


def answer(tables: Tables, run: Run) -> str:
    """Say what each method saves against the baseline in each model, and where the models disagree."""
    models = group_by(tables.models, "model")
    sentences = [*_savings(tables.models, run), *_disagreements(models, run)]
    if "events" not in models:
        sentences.append("The event model was not run (hw.models), so what waiting for spikes changes is not measured.")
    return " ".join(sentences)


def _savings(rows: Sequence[Row], run: Run) -> Iterator[str]:
    methods = {name: group for name, group in group_by(rows, "method").items() if _compared(group)}
    if not methods:
        yield f"No method is compared: there is none besides {run.baseline}, or {run.baseline} costs nothing."
    for method in sorted(methods, key=lambda name: name != run.subject)[:MOST]:
        in_models = [
            f"{less(row['latency_saved_pct'], 'latency')} and {less(row['pe_energy_saved_pct'], 'PE energy')} in the "
            f"{MODELS.get(row['model'], row['model'])}"
            for row in methods[method]
        ]
        yield f"Against {run.baseline}, {method} takes {joined(in_models)}."
    if len(methods) > MOST:
        yield f"The other {len(methods) - MOST} methods are in the table."


def _compared(rows: Sequence[Row]) -> bool:
    return all(known(row[name]) for row in rows for name in SAVED.values())


def _disagreements(models: dict[str, list[Row]], run: Run) -> Iterator[str]:
    """Say which savings turn into losses, or losses into savings, in the event model, and which orders change."""
    if not {"analytic", "events"} <= set(models):
        return
    events = {row["method"]: row for row in models["events"]}
    pairs = [(row, events[row["method"]]) for row in models["analytic"] if row["method"] in events]
    turned = [
        f"{what} of {one['method']} is {less(one[name])} {than(one[name], run.baseline)} in the analytic model, but "
        f"{less(other[name])} under real spikes"
        for one, other in pairs
        for what, name in SAVED.items()
        if known(one[name]) and known(other[name]) and _sign(one[name]) != _sign(other[name])
    ]
    orders = [what for what, name in COST.items() if _order(models["analytic"], name) != _order(models["events"], name)]
    if turned:
        more = f" (and {len(turned) - MOST} more)" if len(turned) > MOST else ""
        yield f"The models disagree: {joined(turned[:MOST])}{more}."
    if orders:
        yield f"They order the methods differently by {joined(orders)}."
    if not turned and not orders and len(pairs) > 1:
        yield "Both models put the methods into the same order by latency and by PE energy."


def _sign(saved_pct: float) -> int:
    rounded = round(saved_pct, 1)
    return (rounded > 0) - (rounded < 0)


def _order(rows: Sequence[Row], name: str) -> list[str]:
    return [row["method"] for row in sorted(rows, key=lambda row: (row[name], row["method"]))]


def side_by_side(tables: Tables) -> list[Row]:
    """Return a row for each method: latency, PE energy and what they save, in each timing model."""
    shown = {
        "latency_cycles": "latency",
        "latency_saved_pct": "saved %",
        "pe_pj": "PE pJ",
        "pe_energy_saved_pct": "PE pJ saved %",
    }
    rows: list[Row] = []
    for method, group in group_by(tables.models, "method").items():
        cells = {
            f"{heading}, {row['model']}": cell(name, row[name]) for name, heading in shown.items() for row in group
        }
        rows.append({"method": method, **cells})
    return rows


def paper(tables: Tables, run: Run) -> str:
    """Return Table II and Fig. 7a."""
    row = reported(run)["uticket"]
    return (
        f"Paper (Table II, Fig. 7a; {case(run)}): u-Ticket takes {less(row['latency_saved_pct'])} latency and "
        f"{less(row['energy_saved_pct'])} energy than LTH, in its analytic model (Eq. 3)."
    )


SECTION = Section(
    "cost",
    "How much latency and energy is saved?",
    [
        Chart(
            "cost",
            "Latency and energy of the PEs, ticket by ticket, in the analytic model.",
            {"rounds": "round latency_cycles energy"},
            plot_cost,
        ),
        Listing("Both models side by side", side_by_side),
        Listing(
            "What the PEs wait for",
            "models",
            "method latency_cycles utilization busy_share starved_cycles blocked_cycles tail_cycles "
            "memory_cycles bound fifo_mean fifo_max tokens dropped_tokens operations",
            {"model": "events"},
            "busy share: work / (PEs * latency); starved: cycles in which a PE waits for the broadcaster; blocked: in "
            "which the broadcaster waits for room at another PE; tail: after the last token of a PE; memory: in which "
            "all wait for memories; bound: what needs most cycles.",
        ),
    ],
    answer,
    paper,
    "The analytic model counts the weights of the busiest PE; the event model sends the spikes of the sample images to "
    "the PEs through FIFOs, and its cycles are the mean over these images. PE energy is bottom-up, in pJ for an image "
    "(hw.chip); energy is Eq. 3, in units of E_d, the dynamic energy of a PE for one input spike.",
)
