"""Figure of README.md and docs/index.md: how long each PE works and waits under real spikes, from simulation/."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from uticket.base.files import Row
from uticket.config.paths import simulation_files
from uticket.config.schemas import PES
from uticket.report.drawing import column, draw, panels
from uticket.report.looks import colour, group_by

WAITING = "#d0d0d0"
HEADROOM = 1.08  # of the vertical axis, so that the longest latency is seen to end


def busy_pes_figure(methods: Sequence[str]) -> str:
    """Return the cycles of each PE for the last ticket of each method as SVG text: work below, waiting above.

    A PE's cycles are summed over the layers, so the bars of a method are as high as its latency in the event model.
    Raises InputError, naming the file, if a simulation is missing.
    """
    found = {method: cycles_by_pe(PES.read(simulation_files(method).pes)) for method in methods}

    def plot(figure: Figure) -> None:
        highest = max(row["latency_cycles"] for rows in found.values() for row in rows)
        for number, (axes, (method, rows)) in enumerate(
            zip(panels(figure, len(found), beside=len(found), gap=0.25, shared=True), found.items(), strict=True)
        ):
            pes, latency, work = (column(rows, name) for name in ("pe", "latency_cycles", "work_cycles"))
            axes.bar(pes, latency, color=WAITING, label="waits")
            axes.bar(pes, work, color=colour(number), label="works")
            axes.set_title(title(method, rows))
            axes.set_xlabel("PE")
            axes.set_xticks([pes[0], pes[-1]])
            axes.set_ylim(0, HEADROOM * highest)
            axes.grid(visible=False, axis="x")
        figure.axes[0].set_ylabel("cycles: works (colour), waits (grey)")

    return draw(plot)


def title(method: str, rows: Sequence[Row]) -> str:
    """Return latency and busy share of a method in words."""
    work, latency = (sum(column(rows, name)) for name in ("work_cycles", "latency_cycles"))
    return f"{method}: {latency / len(rows):,.0f} cycles, PEs busy {work / latency:.0%}"


def cycles_by_pe(rows: Sequence[Row]) -> list[Row]:
    """Return work and latency of each PE for the last ticket of pes.csv, summed over the layers."""
    last = [row for row in rows if row["ticket"] == rows[-1]["ticket"]]
    found: list[Row] = []
    for pe, parts in group_by(last, "pe").items():
        work = sum(column(parts, "work_cycles"))
        latency = sum(value for row in parts for name, value in row.items() if name.endswith("_cycles"))
        found.append({"pe": pe, "work_cycles": work, "latency_cycles": latency})
    return found
