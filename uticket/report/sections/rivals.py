"""Instead of balancing: other mappings of the baseline's mask, FIFOs, and patterns that PEs share."""

from collections.abc import Iterator, Sequence

from uticket.base.files import Row
from uticket.report.looks import group_by
from uticket.report.paper import note
from uticket.report.run import Run
from uticket.report.savings import saved_pct
from uticket.report.section import Listing, Section
from uticket.report.tables import Tables
from uticket.report.words import joined, less, than, whole

DEPTH = "broadcast.fifo_depth"


def answer(tables: Tables, run: Run) -> str:
    """Compare the subject, filters in their own order, with what else could be done with the baseline's mask."""
    methods = group_by(tables.mappings, "method")
    base, own = methods.get(run.baseline), methods.get(run.subject)
    if base is None or own is None or run.subject == run.baseline:
        return f"There is no balanced method to compare with {run.baseline}."
    return " ".join([*_mapped(base, own, run), *_queued(tables, run), *_shared(tables, run)])


def _mapped(base: Sequence[Row], own: Sequence[Row], run: Run) -> Iterator[str]:
    best = min(base, key=lambda row: row["latency_cycles"])
    tried = joined([f"{row['mapping']} {whole(row['latency_cycles'])}" for row in base])
    target = f"{run.subject} {whole(own[0]['latency_cycles'])} cycles with {own[0]['mapping']} filters"
    yield f"By mapping, {run.baseline} takes {tried} cycles (analytic model), {target}."
    saved = saved_pct(own[0]["latency_cycles"], best["latency_cycles"])
    if saved is not None:
        yield f"That is {less(saved)} {than(saved, run.baseline)} with its best mapping, {best['mapping']}."


def _queued(tables: Tables, run: Run) -> Iterator[str]:
    """Say what the deepest FIFOs do for the baseline, in the event model."""
    rows = [row for row in tables.sweeps if row["knob"] == DEPTH and row["model"] == "events"]
    methods = group_by(rows, "method")
    if not {run.baseline, run.subject} <= set(methods):
        yield "What FIFOs do for it is not measured (hw.sweeps.broadcast.fifo_depth)."
        return
    base, own = (
        {float(row["value"]): row["latency_cycles"] for row in methods[method]}
        for method in (run.baseline, run.subject)
    )
    depth = max(base)
    fits = [value for value in sorted(own) if own[value] <= base[depth]]
    other = f"{run.subject} is as fast with {_fifos(fits[0])}" if fits else f"{run.subject} is slower at any depth"
    yield f"With {_fifos(depth)}, {run.baseline} takes {whole(base[depth])} cycles in the event model; {other}."


def _fifos(depth: float) -> str:
    return "unlimited FIFOs" if depth == float("inf") else f"FIFOs of {depth:g} tokens"


def _shared(tables: Tables, run: Run) -> Iterator[str]:
    """Say what the methods do whose PEs keep weights at the same positions."""
    balance = run.blocks["balance"]
    saved_by = {row["method"]: row["latency_saved_pct"] for row in tables.models if row["model"] == "analytic"}
    shared = [method for method, path in balance.items() if path and any(share != 1 for share in path.share)]
    for method in shared[:3]:
        saved = saved_by.get(method)
        if saved is not None:
            saying = f"takes {less(saved, 'latency')} {than(saved, run.baseline)} (analytic model)"
            yield f"{method}, whose PEs share patterns, {saying}."


SECTION = Section(
    "rivals",
    "Could a mapping or FIFOs do it instead?",
    [
        Listing(
            "The same masks with other mappings",
            "mappings",
            "method mapping latency_cycles utilization work_cycles idle_cycles groups",
        )
    ],
    answer,
    note("rivals"),
    "contiguous: filters in their own order; patterns: those that keep the same positions next to each other; sorted: "
    "by their number of weights; paired: two filters on a PE, the densest with the sparsest. All but the first permute "
    "the filters of a layer, which is free where the next layer can be permuted too.",
)
