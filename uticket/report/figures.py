"""The figures of the report, as SVG text that is the same bytes for the same tables."""

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from uticket.report.tables import Tables

COLOURS = ["#c4513a", "#2a6f97", "#6a994e", "#7b5ea7", "#b8860b", "#4d4d4d"]  # methods, in the order of params.yaml
STYLE: Any = {
    "svg.hashsalt": "uticket",  # otherwise ids are drawn at random
    "svg.fonttype": "path",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "lines.markersize": 4,
}


def draw(plot: Callable[[Tables, Figure], None], tables: Tables) -> str:
    """Return the figure that `plot` draws of `tables`, as SVG text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 3), layout="constrained")
        plot(tables, figure)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def rounds(tables: Tables, figure: Figure) -> None:
    """Utilization and accuracy of every ticket, against the weights that it has left."""
    left, right = figure.subplots(1, 2)
    table = tables.rounds.assign(percent_left=100 * (1 - tables.rounds["filter_sparsity"]))
    for axes, column in ((left, "utilization"), (right, "accuracy")):
        for colour, (method, rows) in _by_method(table):
            axes.plot(rows["percent_left"], rows[column], "o-", color=colour, label=method)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:.3g}")
        axes.invert_xaxis()
        axes.set_xlabel("weights left (%)")
        axes.set_ylabel(column)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    left.set_ylim(0, 1.05)
    left.legend(loc="lower left")


def layers(tables: Tables, figure: Figure) -> None:
    """Utilization of each layer of the last tickets."""
    axes = figure.subplots()
    _bars(axes, tables.layers, "layer", "utilization")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("utilization")
    axes.tick_params(axis="x", rotation=90 if tables.layers["layer"].nunique() > 12 else 0)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")


def cost(tables: Tables, figure: Figure) -> None:
    """Latency and energy of every ticket."""
    for axes, (column, label) in zip(
        figure.subplots(1, 2),
        (("latency_cycles", "latency (cycles)"), ("energy", "energy of the PEs ($E_d$)")),
        strict=True,
    ):
        for colour, (method, rows) in _by_method(tables.rounds):
            axes.plot(rows["round"], rows[column], "o-", color=colour, label=method)
        axes.set_yscale("log")
        axes.set_xlabel("round")
        axes.set_ylabel(label)
        axes.legend(loc="lower left")


def pe_sweep(tables: Tables, figure: Figure) -> None:
    """Utilization and latency of the last tickets on other numbers of PEs."""
    left, right = figure.subplots(1, 2)
    counts = sorted(tables.pe_sweep["pes"].unique())
    for axes, column, label in ((left, "utilization", "utilization"), (right, "latency_cycles", "latency (cycles)")):
        for colour, (method, rows) in _by_method(tables.pe_sweep):
            axes.plot(rows["pes"], rows[column], "o-", color=colour, label=method)
        axes.set_xscale("log", base=2)
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.set_xlabel("PEs")
        axes.set_ylabel(label)
    left.set_ylim(0, 1.05)
    left.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    right.set_yscale("log")
    left.legend(loc="lower left")


def training(tables: Tables, figure: Figure) -> None:
    """Accuracy on the test set after each epoch, a line per ticket, darker with the round."""
    groups = list(tables.training.groupby("method", sort=False))
    shades = mpl.colormaps["viridis_r"]
    last = max(1, int(tables.training["round"].max()))
    legend: dict[str, Artist] = {}
    for axes, (method, table) in zip(np.atleast_1d(figure.subplots(1, len(groups), sharey=True)), groups, strict=True):
        for _, rows in table.groupby("ticket", sort=False):
            number = int(rows["round"].iloc[0])
            (line,) = axes.plot(rows["epoch"], rows["test_accuracy"], color=shades(number / last))
            legend[f"round {number}"] = line
        axes.set_title(method, fontsize=9)
        axes.set_xlabel("epoch")
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.get_axes()[0].set_ylabel("accuracy on the test set")
    figure.legend(legend.values(), legend.keys(), loc="outside right upper")


def energy(tables: Tables, figure: Figure) -> None:
    """Energy of the PEs by component, by each model, and what is moved in and out of the memories."""
    left, right = figure.subplots(1, 2)
    names = [f"{row.method}\n{row.model}" for row in tables.models.itertuples()]
    bottom = np.zeros(len(names))
    for component, colour in (("mac", "#2a6f97"), ("lif", "#6a994e"), ("mem", "#b8860b")):
        for kind, hatch in (("dynamic", ""), ("leakage", "///")):
            height = tables.models[f"{component}_{kind}_pj"].to_numpy() / 1000
            label = f"{component.upper()} {kind}"
            left.bar(names, height, 0.6, bottom, label=label, color=colour, hatch=hatch, edgecolor="white", linewidth=0)
            bottom += height
    left.set_ylabel("energy of the PEs (nJ)")
    left.set_ylim(0, 1.35 * bottom.max())  # room for the legend
    left.tick_params(axis="x", labelsize=7)
    left.legend(loc="upper center", ncols=3, fontsize=7)
    table = tables.rounds.assign(percent_left=100 * (1 - tables.rounds["filter_sparsity"]))
    for colour, (method, rows) in _by_method(table):
        for memory, style in (("sram", "o-"), ("dram", "s--")):
            columns = [name for name in rows.columns if memory in name and name.endswith(("reads", "writes"))]
            label = f"{method}, {memory.upper()}"
            right.plot(rows["percent_left"], rows[columns].sum(axis=1), style, color=colour, label=label)
    right.set_xscale("log", base=2)
    right.xaxis.set_major_formatter("{x:.3g}")
    right.invert_xaxis()
    right.set_yscale("log")
    right.set_xlabel("weights left (%)")
    right.set_ylabel("accesses")
    right.legend(fontsize=7)


def waiting(tables: Tables, figure: Figure) -> None:
    """Utilization of the last tickets in the event model, against the depth of the FIFOs and the broadcast width."""
    left, right = figure.subplots(1, 2, sharey=True)
    sweeps = ((left, tables.fifo_sweep, "fifo_depth"), (right, tables.width_sweep, "broadcast_width"))
    for axes, table, setting in sweeps:
        values = list(dict.fromkeys(table[setting]))
        for colour, (method, rows) in _by_method(table):
            where = [values.index(value) for value in rows[setting]]
            axes.plot(where, rows["utilization"], "o-", color=colour, label=f"{method}, utilization")
            axes.plot(where, rows["busy_share"], "s:", color=colour, label=f"{method}, busy share")
        axes.set_xticks(range(len(values)), ["∞" if value == "unlimited" else value for value in values])
        axes.set_ylim(0, 1.05)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    left.set_xlabel("depth of the FIFOs (entries)")
    right.set_xlabel("broadcast width (tokens in a cycle)")
    left.set_ylabel("utilization, busy share")
    right.legend(loc="upper left", fontsize=7)


FIGURES: dict[str, Callable[[Tables, Figure], None]] = {
    "rounds": rounds,
    "layers": layers,
    "cost": cost,
    "pe_sweep": pe_sweep,
    "energy": energy,
    "waiting": waiting,
    "training": training,
}


def drawable(tables: Tables) -> dict[str, Callable[[Tables, Figure], None]]:
    """Return the figures for which there is something to draw: without the event model, nobody waits."""
    return {name: plot for name, plot in FIGURES.items() if name != "waiting" or len(tables.fifo_sweep)}


def _by_method(table: pd.DataFrame) -> list[tuple[str, tuple[str, pd.DataFrame]]]:
    """Return a colour and (method, its rows) for each method, in the order of the table."""
    groups = [(str(method), rows) for method, rows in table.groupby("method", sort=False)]
    return [(COLOURS[place % len(COLOURS)], group) for place, group in enumerate(groups)]


def _bars(axes: Axes, table: pd.DataFrame, category: str, column: str) -> None:
    """Draw bars side by side, one of each method for each category."""
    methods = _by_method(table)
    width = 0.8 / len(methods)
    names = list(dict.fromkeys(table[category]))
    for place, (colour, (method, rows)) in enumerate(methods):
        where = [names.index(name) + (place - (len(methods) - 1) / 2) * width for name in rows[category]]
        axes.bar(where, rows[column], width, color=colour, label=method)
    axes.set_xticks(range(len(names)), names)
