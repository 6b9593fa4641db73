"""The tables of docs/evidence.md: numbers are means over seeds with their standard deviation."""

import math
from collections.abc import Sequence

import pandas as pd

from experiments.evidence import PER_CLASS
from experiments.pareto import DEPTHS
from experiments.pareto_page import spread
from uticket.config.lineage import DENSE

NAMES = {"vgg16": "VGG-16", "resnet19": "ResNet-19"}
PAPER = {  # Yin et al. 2024, Tables I and II, CIFAR-10: sparsity and utilization of LTH, savings of u-Ticket in %
    "vgg16": {"sparsity": 0.982, "utilization": 0.59, "latency": 100 * (1 - 0.06 / 0.11), "energy": 41.8},
    "resnet19": {"sparsity": 0.976, "utilization": 0.31, "latency": 100 * (1 - 0.07 / 0.21), "energy": 55.5},
}
BELOW = {"vgg16": 0.65, "resnet19": 0.45}  # expected utilization of LTH at LAST
AT_LEAST = {"vgg16": 35.0, "resnet19": 55.0}  # expected latency saved, in %
LAST = 0.98  # sparsity that expectations are about
TEST_IMAGES = 10 * PER_CLASS["test"]


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
