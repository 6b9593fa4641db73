"""What the axes of figures show: percent, whole numbers, logarithms, names."""

import math
import re
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogFormatterSciNotation, MaxNLocator, PercentFormatter

from uticket.report.labels import text_inches

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def names_below(axes: Axes, names: Sequence[str]) -> None:
    """Put names at 0, 1, ... of the horizontal axis: upright if they are wide, each k-th if not all have room."""
    room = axes.get_position().width * axes.get_figure().get_figwidth() / max(1, len(names))  # type: ignore[union-attr]
    step = math.ceil(0.1 / room)
    axes.set_xticks(range(len(names)), names, rotation=90 if are_upright(names, room) else 0, fontsize=7)
    for place, tick in enumerate(axes.xaxis.get_major_ticks()):
        tick.set_visible(place % step == 0)


def are_upright(names: Sequence[str], room: float) -> bool:
    """Return whether names have to stand upright. room: for each of them, in inches."""
    return text_inches(line for name in names for line in name.split("\n")) > room


def weights_left_axis(axes: Axes) -> None:
    """Give a plot against `weights_left` its horizontal axis: a logarithm, with the dense network on the left."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:.3g}")
    axes.invert_xaxis()
    axes.set_xlabel("weights left (%)")


def percent_axis(axes: Axes, label: str, whole: bool = True) -> None:
    """Show the fractions of the vertical axis in percent. whole: from 0 to 100 %."""
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None, symbol=""))
    axes.set_ylabel(f"{label} (%)" if label else "")
    if whole:
        axes.set_ylim(0, 1.05)


def accuracy_axis(axes: Axes, errors: Sequence[float], label: str = "accuracy") -> None:
    """Show accuracies in percent, on an axis at least ten standard errors high: one test image is no cliff.

    errors: standard errors of the accuracies; empty if they are unknown.
    """
    percent_axis(axes, label, whole=False)
    low, high = axes.get_ylim()
    least = 10 * max(errors, default=0)
    more = max(0.0, least - (high - low)) / 2
    top = min(high + more, 1.005)
    axes.set_ylim(min(low - more, top - least), top)


def log_axis(axes: Axes, label: str) -> None:
    """Make the vertical axis logarithmic."""
    axes.set_yscale("log")
    axes.set_ylabel(label)
    for set_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        set_formatter(Powers())


def whole_axis(axes: Axes, label: str) -> None:
    """Give the horizontal axis ticks at a few whole numbers only."""
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set_xlabel(label)


class Powers(LogFormatterSciNotation):
    """Powers of ten as plain text, such as 2×10⁴; as formulas they take longer than all else in a figure."""

    axis: Axis

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the label of the tick at `x`; none where it would stand too close to the next one."""
        formula = super().__call__(x, pos).replace(r"\times", "\u00d7")
        text = re.sub(r"\^\{(.*?)\}", lambda found: found[1].translate(SUPERSCRIPTS), formula)
        return re.sub(r"\\mathdefault|[${}]", "", text).replace("\u2212", "-")
