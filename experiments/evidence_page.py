"""Fill docs/evidence.md with tables and figures of the chains that `experiments.evidence` trained so far.

`--measure` first measures the tickets of .uticket/evidence that docs/results/ does not have yet. Numbers are means over
seeds with their standard deviation; a chain counts as far as it is trained.
"""

import math
from collections.abc import Sequence
from typing import Any

import click
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.evidence import PER_CLASS, ROOT
from experiments.evidence_results import LAYERS, TICKETS, measure, read
from experiments.pareto import DEPTHS
from experiments.pareto_page import spread
from uticket.base.files import write_text
from uticket.base.progress import start_logging
from uticket.config.lineage import DENSE
from uticket.report.drawing import COLOURS, draw, legend_right, panels, percent_axis, weights_left_axis, whole_axis
from uticket.report.readme import write_between

PAGE = ROOT / "docs" / "evidence.md"
FIGURES = ROOT / "docs" / "figures"
END = "<!-- end -->"
NAMES = {"vgg16": "VGG-16", "resnet19": "ResNet-19"}
PAPER = {  # Yin et al. 2024, Tables I and II, CIFAR-10: sparsity and utilization of LTH, savings of u-Ticket in %
    "vgg16": {"sparsity": 0.982, "utilization": 0.59, "latency": 100 * (1 - 0.06 / 0.11), "energy": 41.8},
    "resnet19": {"sparsity": 0.976, "utilization": 0.31, "latency": 100 * (1 - 0.07 / 0.21), "energy": 55.5},
}
BELOW = {"vgg16": 0.65, "resnet19": 0.45}  # expected utilization of LTH at LAST
AT_LEAST = {"vgg16": 35.0, "resnet19": 55.0}  # expected latency saved, in %
LAST = 0.98  # sparsity that expectations are about
TEST_IMAGES = 10 * PER_CLASS["test"]


@click.command(help=__doc__)
@click.option("--measure", "new", is_flag=True, help="Measure tickets that are not in the tables yet.")
def main(new: bool) -> None:
    """Write all of it."""
    start_logging()
    if new:
        measure()
    tickets, layers = read(TICKETS), read(LAYERS)
    for name, text in sections(tickets, layers).items():
        write_between(PAGE, begin(name), END, text)
    for name, figure in figures(tickets, layers).items():
        write_text(FIGURES / f"evidence-{name}.svg", figure)


def begin(name: str) -> str:
    """Return the marker after which a table stands."""
    return f"<!-- {name}: written by `python -m experiments.evidence_page` -->"


def sections(tickets: pd.DataFrame, layers: pd.DataFrame) -> dict[str, str]:
    """Return all tables by name."""
    return {
        "expectations": expectations(tickets),
        "accuracy": accuracy(tickets),
        "costs": costs(tickets),
        "rounds": rounds(tickets),
        "layers": by_layer(layers),
        "time": times(tickets),
    }


def figures(tickets: pd.DataFrame, layers: pd.DataFrame) -> dict[str, str]:
    """Return all figures by name, as SVG text."""
    return {"rounds": rounds_figure(tickets), "layers": layers_figure(layers)}


def last(table: pd.DataFrame, network: str, method: str) -> pd.DataFrame:
    """Return the rows of the last round that the chains of a method got to, of the seeds that got there."""
    rows = table[(table["network"] == network) & (table["method"] == method)]
    found: pd.DataFrame = rows[rows["round"] == rows["round"].max()]
    return found


def last_of_both(table: pd.DataFrame, network: str) -> list[pd.DataFrame]:
    """Return the rows of LTH and of u-Ticket in the last round that both got to."""
    both = [last(table, network, method) for method in ("lth", "uticket")]
    number = min((rows["round"].max() for rows in both), default=0)
    of_round = table[(table["network"] == network) & (table["round"] == number)]
    return [of_round[of_round["method"] == method] for method in ("lth", "uticket")]


def expectations(tickets: pd.DataFrame) -> str:
    """Return what was expected beside what was measured, from the tickets of each seed at LAST or above."""
    lines = []
    for network in NAMES:
        lth, ours = (ended(tickets, network, method) for method in ("lth", "uticket"))
        saved = savings(lth, ours, "latency_cycles")
        paper, name = PAPER[network], NAMES[network]
        below = f"below {100 * BELOW[network]:.0f} %"
        drawn = f"{shown(100 * lth['utilization_drawn'], 1)} if its weights stood at random" if len(lth) else ""
        lth_paper = f"{100 * paper['utilization']:.0f} %"
        verdict = met(lth["utilization"] < BELOW[network])
        lines.append(
            row(f"{name}: utilization of LTH", below, lth_paper, shown(100 * lth["utilization"], 1), verdict, drawn)
        )
        full = met(ours["utilization"] == 1)
        lines.append(row(f"{name}: of u-Ticket", "100 %", "100 %", shown(100 * ours["utilization"], 1), full, ""))
        least = f"at least {AT_LEAST[network]:.0f} %"
        reached = met(saved >= AT_LEAST[network])
        lines.append(row(f"{name}: latency saved", least, f"{paper['latency']:.0f} %", shown(saved, 1), reached, ""))
    return table(["at 98 % sparsity", "expected", "paper", "measured, %", "met", "beside"], lines)


def ended(tickets: pd.DataFrame, network: str, method: str) -> pd.DataFrame:
    """Return the last tickets of the chains that got to LAST, by seed."""
    rows = last(tickets, network, method)
    return rows[rows["sparsity"] >= LAST - 0.003].set_index("seed")


def savings(base: pd.DataFrame, other: pd.DataFrame, name: str) -> "pd.Series[float]":
    """Return what each seed saves of a cost, in percent."""
    saved: pd.Series[float] = (100 * (1 - other[name] / base[name])).dropna()
    return saved


def met(found: "pd.Series[bool]") -> str:
    """Say whether all seeds are as expected."""
    return "not trained yet" if not len(found) else "yes" if found.all() else "no" if not found.any() else "in part"


def accuracy(tickets: pd.DataFrame) -> str:
    """Return the accuracy by network, method and sparsity: mean, spread over seeds, and the error of one test set."""
    lines = []
    for network, name in NAMES.items():
        of_network = tickets[tickets["network"] == network]
        for method in of_network["method"].unique():
            rows = last(of_network, network, method)
            mean = rows["accuracy"].mean()
            error = 100 * math.sqrt(mean * (1 - mean) / TEST_IMAGES)
            numbers = [shown(100 * rows["sparsity"], 1), shown(100 * rows["accuracy"], 1), f"{error:.1f}"]
            more = [shown(100 * rows["spike_sparsity"], 1), shown(100 * rows["kept_by_initial"], 1)]
            lines.append(row(name, method, str(len(rows)), str(rows["round"].iloc[0]), *numbers, *more))
    heads = ["network", "method", "seeds", "round", "sparsity %", "accuracy %", "standard error of one test set"]
    return table([*heads, "spike sparsity %", "kept by the initial weights %"], lines)


def costs(tickets: pd.DataFrame) -> str:
    """Return latency and energy of the last tickets, and what they save against LTH at the same round and seed."""
    lines = []
    for network, name in NAMES.items():
        for method in (found for found in tickets[tickets["network"] == network]["method"].unique() if found != DENSE):
            rows = last(tickets, network, method).set_index(["seed", "round"])
            base = tickets[(tickets["network"] == network) & (tickets["method"] == "lth")].set_index(["seed", "round"])
            cells = [f"{shown(rows['latency_cycles'] / 1e3, 0)}{saved_cell(base, rows, 'latency_cycles')}"]
            cells.append(saved_cell(base, rows, "energy").strip(" ()") or "")
            for depth in DEPTHS:
                column = f"cycles_fifo_{depth}"
                cells.append(f"{shown(rows[column] / 1e3, 0)}{saved_cell(base, rows, column)}")
            cells.append(f"{shown(rows['pj_fifo_64'] / 1e6, 1)}{saved_cell(base, rows, 'pj_fifo_64')}")
            first = [name, method, str(rows.index[0][1])]
            lines.append(row(*first, shown(100 * rows["utilization"], 1), *cells))
    heads = ["network", "method", "round", "utilization %", "analytic", "energy saved, Eq. 3"]
    return table([*heads, *(f"FIFO {depth}" for depth in DEPTHS), "uJ, FIFO 64"], lines)


def saved_cell(base: pd.DataFrame, rows: pd.DataFrame, name: str) -> str:
    """Return what rows save of a cost as text; nothing for the rows of LTH itself."""
    saved = savings(base.loc[base.index.intersection(rows.index)], rows, name)
    return "" if not len(saved) or (saved == 0).all() else f" ({saved.mean():+.0f} %)".replace("+", "")


def rounds(tickets: pd.DataFrame) -> str:
    """Return utilization and latency by round, of LTH and u-Ticket."""
    lines = []
    for network, name in NAMES.items():
        of_network = tickets[tickets["network"] == network]
        for number, rows in of_network[of_network["round"] > 0].groupby("round"):
            lth, ours = (rows[rows["method"] == method].set_index("seed") for method in ("lth", "uticket"))
            if len(lth):
                drawn = shown(100 * lth["utilization_drawn"], 1)
                cells = [shown(100 * lth["sparsity"], 1), shown(100 * lth["utilization"], 1), drawn]
                cells += [shown(100 * ours["utilization"], 1), shown(savings(lth, ours, "latency_cycles"), 1)]
                cells += [shown(savings(lth, ours, "energy"), 1)]
                cells += [shown(100 * found["accuracy"], 1) for found in (lth, ours)]
                lines.append(row(name, str(number), *cells))
    heads = [
        "network",
        "round",
        "sparsity %",
        "LTH: utilization %",
        "with positions at random",
        "u-Ticket: utilization %",
    ]
    saved = ["latency saved %", "energy saved %"]
    return table([*heads, *saved, "LTH: accuracy %", "u-Ticket: accuracy %"], lines)


def by_layer(layers: pd.DataFrame) -> str:
    """Return utilization, nonzeros and cycles of each layer, of the last tickets of LTH and u-Ticket."""
    lines = []
    for network, name in NAMES.items():
        lth, ours = last_of_both(layers, network)
        for layer in lth["layer"].unique():
            mine, theirs = (found[found["layer"] == layer].set_index("seed") for found in (lth, ours))
            sizes = [f"{mine['weights'].iloc[0]:,}", shown(mine["nonzeros"], 0), shown(theirs["nonzeros"], 0)]
            busy = [shown(100 * found["utilization"], 1) for found in (mine, theirs)]
            idle = [shown(found["idle_cycles"] / 1e3, 0) for found in (mine, theirs)]
            lines.append(row(name, layer, *sizes, *busy, *idle))
    heads = ["network", "layer", "weights", "LTH: nonzeros", "u-Ticket: nonzeros"]
    busy = ["LTH: utilization %", "u-Ticket: utilization %", "LTH: idle, thousand cycles", "u-Ticket: idle"]
    return table([*heads, *busy], lines)


def times(tickets: pd.DataFrame) -> str:
    """Return the tickets trained so far, and the hours that took on one thread each."""
    lines = []
    for (network, method), rows in tickets.groupby(["network", "method"], sort=False):
        hours = f"{rows['train_s'].sum() / 3600:.1f}"
        lines.append(row(NAMES[network], method, str(rows["seed"].nunique()), str(len(rows)), hours))
    return table(["network", "method", "seeds", "tickets", "hours"], lines)


def shown(values: "pd.Series[float]", digits: int) -> str:
    """Return mean and standard deviation; a dash if nothing is trained yet."""
    return spread(values, digits) if len(values) else "-"


def row(*cells: str) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(cells)} |"


def table(heads: Sequence[str], lines: Sequence[str]) -> str:
    """Return a table in Markdown."""
    return "\n".join([row(*heads), row(*("---" for _ in heads)), *lines])


def rounds_figure(tickets: pd.DataFrame) -> str:
    """Return utilization against the weights left, a panel for each network, beside the paper's LTH tickets."""

    def plot(figure: Figure) -> None:
        for axes, network in zip(panels(figure, len(NAMES), gap=0.3, right=1.7, shared=True), NAMES, strict=True):
            of_network = tickets[tickets["network"] == network]
            for colour, method in zip(COLOURS, ("lth", "uticket"), strict=False):
                rows = of_network[of_network["method"] == method]
                line(axes, rows, "utilization", color=colour, label=method, marker="o")
            lth = of_network[of_network["method"] == "lth"]
            line(axes, lth, "utilization_drawn", color=COLOURS[0], label="lth, positions at random", linestyle="--")
            paper = PAPER[network]
            left = 100 * (1 - paper["sparsity"])
            axes.plot([left], [paper["utilization"]], "k*", markersize=8, label="lth, the paper's ticket")
            weights_left_axis(axes)
            axes.set_xlim(80, 1.7)
            axes.set_xlabel(f"weights left (%), {NAMES[network]}")
        percent_axis(figure.axes[0], "utilization")
        legend_right(figure, *figure.axes[0].get_legend_handles_labels())

    return draw(plot)


def line(axes: Axes, rows: pd.DataFrame, name: str, **style: Any) -> None:
    """Plot the mean over seeds of each round; an empty line keeps its place in the legend."""
    means = rows.groupby("round")[["sparsity", name]].mean()
    axes.plot(100 * (1 - means["sparsity"]), means[name], **style)


def layers_figure(layers: pd.DataFrame) -> str:
    """Return the utilization of each layer of the last tickets, as Fig. 6 of the paper."""

    def plot(figure: Figure) -> None:
        for axes, network in zip(panels(figure, len(NAMES), gap=0.3, right=0.9, shared=True), NAMES, strict=True):
            for colour, method, rows in zip(COLOURS, ("lth", "uticket"), last_of_both(layers, network), strict=False):
                means = rows.groupby("layer", sort=False)["utilization"].mean()
                axes.plot(range(1, len(means) + 1), means, "o-", color=colour, label=method)
            whole_axis(axes, f"layer on the PEs, in order, {NAMES[network]}")
        percent_axis(figure.axes[0], "utilization")
        legend_right(figure, *figure.axes[0].get_legend_handles_labels())

    return draw(plot)


if __name__ == "__main__":
    main()
