"""Energy by component, and what is moved in and out of the memories."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uticket.base.spread import over_seeds
from uticket.report.axes import log_axis, names_below, weights_left_axis
from uticket.report.bands import draw_bars, draw_errors, draw_line, sds_of
from uticket.report.drawing import at_right, column, is_narrow, panels, weights_left
from uticket.report.labels import name_lines, text_inches
from uticket.report.looks import by_method, colour, line_look
from uticket.report.paper import note
from uticket.report.run import Run
from uticket.report.savings import saved_pct
from uticket.report.section import Chart, Listing, Section, columns
from uticket.report.tables import Tables
from uticket.report.words import MODELS, less, percent, than

ACCESSES = "*_reads *_writes"


def plot_energy(tables: Tables, figure: Figure) -> None:
    """Energy of the PEs by component and timing model, and accesses to the memories of every ticket."""
    bars = [f"{row['method']}, {row['model']}" for row in tables.models]
    methods = by_method(tables.rounds)
    lines = [f"{method}, {memory}" for _, method, _ in methods for memory in ("SRAM", "DRAM")]
    left, right = panels(figure, 2, names=lines, bottom=0.4 + text_inches(bars))
    _plot_components(tables, left, bars)
    for number, method, rows in methods:
        for memory, dash in (("sram", "-"), ("dram", ":")):
            names = [name for name in columns(rows, ACCESSES) if memory in name]
            look = {**line_look(number), "linestyle": dash}
            accesses: Any = [over_seeds(_sum, *(row[name] for name in names)) for row in rows]
            draw_line(right, weights_left(rows), accesses, look, f"{method}, {memory.upper()}")
    weights_left_axis(right)
    log_axis(right, "accesses (words)")
    name_lines(figure, at_right([right]), lines)


def _plot_components(tables: Tables, axes: Axes, names: list[str]) -> None:
    """Stacked bars, one for each method and timing model."""
    bottom = [0.0] * len(names)
    for number, component in enumerate(components(tables)):
        for kind, hatch in (("dynamic", ""), ("leakage", "///")):
            heights = _nanojoules(tables, f"{component}_{kind}_pj")
            look: Any = {"color": colour(number), "hatch": hatch, "edgecolor": "white", "linewidth": 0}
            label = component.upper() if len(component) <= 3 else component  # such as MAC
            bars = draw_bars(axes, range(len(names)), heights, 0.6, look, f"{label} {kind}", bottom)
            for one, name in zip(bars, names, strict=True):
                one.set_label(f"_{name}")  # of the method (`uticket.report.toggles`)
            bottom = [below + height for below, height in zip(bottom, heights, strict=True)]
    errors = sds_of(_nanojoules(tables, "pe_pj"))
    for place, (name, error) in enumerate(zip(names, errors or (), strict=False)):
        draw_errors(axes, [place], [bottom[place]], [error], name)
    axes.set_ylabel("energy of the PEs (nJ)")
    names_below(axes, names)
    axes.set_xlabel("method and timing model")
    axes.set_ylim(0, 1.5 * max(bottom) or 1)  # room for the legend
    columns = 2 if is_narrow(axes.figure) else 3  # type: ignore[arg-type]
    axes.legend(loc="upper center", ncols=columns, fontsize=6.5, columnspacing=1, borderaxespad=0)


def _nanojoules(tables: Tables, name: str) -> Any:
    return [over_seeds(lambda picojoules: picojoules / 1000, value) for value in column(tables.models, name)]


def _sum(*values: float) -> float:
    return sum(values)


def components(tables: Tables) -> list[str]:
    """Return the components of a PE that have a dynamic energy and a leakage, as the chip file names them."""
    names = [name.removesuffix("_dynamic_pj") for name in columns(tables.models, "*_dynamic_pj")]
    return [name for name in names if not name.startswith(("sram", "dram"))]


def answer(tables: Tables, run: Run) -> str:
    """Say what share of the energy PEs, SRAM and DRAM take, and what balancing saves of the whole."""
    rows = {(row["method"], row["model"]): row for row in tables.models}
    model = "events" if any(row["model"] == "events" for row in tables.models) else "analytic"
    base = rows.get((run.baseline, model)) or next(row for row in tables.models if row["model"] == model)
    total = base["total_pj"]
    if not total:
        return f"{base['method']} takes no energy on the PEs: no layer of it runs there."
    sram = base["sram_dynamic_pj"] + base["sram_leakage_pj"]
    text = f"Of the {total / 1000:,.0f} nJ that {base['method']} takes for an image ({MODELS[model]}), the PEs take "
    text += (
        f"{percent(base['pe_pj'] / total)}, SRAM {percent(sram / total)} and DRAM {percent(base['dram_pj'] / total)}."
    )
    other = rows.get((run.subject, model))
    if other is not None and other["method"] != base["method"]:
        saved = saved_pct(other["total_pj"], total)
        if saved is not None:
            text += (
                f" Memories included, {other['method']} takes {less(saved, 'energy')} {than(saved, base['method'])}."
            )
    return text


SECTION = Section(
    "energy",
    "Where does the energy go?",
    [
        Chart(
            "energy",
            "Energy of the PEs of the last tickets by component, and accesses to the on-chip memories and to DRAM.",
            {"rounds": f"sparsity {ACCESSES}", "models": "*_dynamic_pj *_leakage_pj"},
            plot_energy,
        ),
        Listing("Energy", "models", "method model total_pj pe_pj dram_pj sram_dynamic_pj sram_leakage_pj"),
        Listing("Energy of the PEs by component", "models", "method model pe_pj *_pj", detail=True),
        Listing("Accesses to memories", "models", f"method model {ACCESSES}", detail=True),
        Listing(
            "Weights in each format",
            "storage",
            "layer method *_bits scratchpad_*",
            text="Bits of the compressed weights in each format, the words of the fullest scratchpad, and the passes "
            "that it needs.",
            detail=True,
        ),
    ],
    answer,
    note("energy"),
    "Bottom-up: counts of actions times what each costs on the chip (hw.chip), in pJ for one image.",
)
