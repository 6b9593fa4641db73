"""Lines and bars with their spread over seeds: a band, or bars, of one standard deviation up and down."""

from collections.abc import Sequence
from math import nan
from typing import Any

from matplotlib.axes import Axes
from matplotlib.container import BarContainer

from uticket.base.spread import sd_of
from uticket.report.points import keep_sds

BAND: Any = {"alpha": 0.12, "linewidth": 0}
ERROR: Any = {"elinewidth": 0.8, "capsize": 1.5, "capthick": 0.8, "ecolor": "#333333"}  # of bars and of lone points


def draw_line(axes: Axes, x: Sequence[float], y: Sequence[float], look: Any, label: str) -> None:
    """Plot means over seeds with a band, or with error bars where no line joins the points; plain numbers without."""
    (line,) = axes.plot(x, y, **look, label=label)
    sds = sds_of(y)
    if sds is None:
        return
    keep_sds(line, sds)
    if look["linestyle"] == "none":
        draw_errors(axes, x, y, sds, label)
    else:
        draw_band(axes, x, y, sds, look["color"], label)


def draw_band(
    axes: Axes, x: Sequence[float], y: Sequence[float], errors: Sequence[float], colour: str, label: str
) -> None:
    """Shade what is within the errors of a line. label: of the line."""
    low, high = ([one + sign * error for one, error in zip(y, errors, strict=True)] for sign in (-1, 1))
    axes.fill_between(x, low, high, color=colour, label=f"_{label}", **BAND)


def draw_bars(
    axes: Axes,
    x: Sequence[float],
    y: Sequence[float],
    width: float,
    look: Any,
    label: str,
    bottom: Sequence[float] | None = None,
) -> BarContainer:
    """Plot means over seeds as bars with error bars, which those of a stack (`bottom`) lack. Returns the bars."""
    sds = sds_of(y)
    bars = axes.bar(x, y, width, bottom, **look, label=label)
    if sds is not None:
        keep_sds(bars, sds)
        if bottom is None:
            draw_errors(axes, x, y, sds, label)
    return bars


def draw_errors(axes: Axes, x: Sequence[float], y: Sequence[float], errors: Sequence[float], label: str) -> None:
    """Draw error bars, none where the error is 0. label: of what they are at."""
    axes.errorbar(x, y, [error or nan for error in errors], fmt="none", label=f"_{label}", **ERROR)


def sds_of(values: Sequence[float]) -> list[float] | None:
    """Return the standard deviations over seeds, 0 where it is unknown; None if all are."""
    found = [sd_of(value) for value in values]
    return None if all(sd is None for sd in found) else [sd or 0.0 for sd in found]
