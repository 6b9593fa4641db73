"""Names of lines: at their ends where a few fit, in a legend below where they are many or long."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

MOST = 6  # names at the ends of lines
WIDEST = 2.0  # of them, in inches, so that a column of a paper has room for its panel
ROW = 0.17  # height of a row of names, in inches
BEFORE_NAME = 0.12  # between the end of a line and its name, in inches


def text_inches(texts: Iterable[str]) -> float:
    """Return how wide the longest of some texts is, about, in the size of labels."""
    return 0.07 * max((len(text) for text in texts), default=0)


def room_right(names: Sequence[str]) -> float:
    """Return the room that names at the ends of lines need, in inches; none if they stand in a legend."""
    return text_inches(names) + BEFORE_NAME if fit(names) else 0.1


def room_below(names: Sequence[str], width: float) -> float:
    """Return the height of the legend, in inches; 0 if the names stand at the ends of lines."""
    return 0 if fit(names) else legend_height(names, width)


def legend_height(names: Sequence[str], width: float) -> float:
    """Return the height of a legend below the panels, in inches; 0 without names."""
    return ROW * math.ceil(len(names) / legend_columns(names, width)) + 0.1 if names else 0


def fit(names: Sequence[str]) -> bool:
    """Return whether names stand at the ends of lines."""
    return len(names) <= MOST and text_inches(names) <= WIDEST


def legend_columns(labels: Iterable[str], width: float) -> int:
    """Return how many labels fit beside each other in a legend below the panels."""
    return max(1, int(width / (0.6 + text_inches(labels))))


def name_lines(figure: Figure, shown: Sequence[Axes], names: Sequence[str]) -> None:
    """Name the lines of the panels `shown` at their ends, or all in a legend of the figure if they do not fit there.

    names: labels of all lines; `panels` leaves room for them.
    """
    if fit(names):
        for axes in shown:
            _name_ends(axes)
    else:
        handles = dict(zip(*reversed(shown[0].get_legend_handles_labels()), strict=True))
        legend_below(figure, handles.values(), handles)


def legend_below(figure: Figure, handles: Iterable[Artist], labels: Iterable[str]) -> None:
    """Put a legend below all panels."""
    labels = list(labels)
    columns = legend_columns(labels, figure.get_figwidth())
    look: dict[str, Any] = {"fontsize": 7, "columnspacing": 1, "handlelength": 2.4, "borderaxespad": 0.1}
    figure.legend(handles, labels, loc="lower center", ncols=columns, **look)


def _name_ends(axes: Axes) -> None:
    """Write the label of each line beside its last point, apart from each other."""
    lines = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_") and len(line.get_xdata())]  # type: ignore[arg-type]
    axes.autoscale_view()
    box = axes.get_position()
    height = box.height * axes.figure.get_figheight()  # type: ignore[union-attr]
    to_axes = axes.transData + axes.transAxes.inverted()
    ends = [float(to_axes.transform((line.get_xdata()[-1], line.get_ydata()[-1]))[1]) for line in lines]  # type: ignore[index, arg-type]
    for line, place in zip(lines, apart(ends, ROW / height), strict=True):
        axes.annotate(
            str(line.get_label()), (1, place), (4, 0), "axes fraction", "offset points", va="center", fontsize=7.5,
            annotation_clip=False, color=[0.6 * part for part in to_rgb(line.get_color())],
        )  # fmt: skip


def apart(places: Sequence[float], gap: float) -> list[float]:
    """Return places at least `gap` from each other, in the same order, as near to the given ones as their mean is."""
    order = sorted(range(len(places)), key=lambda number: places[number])
    blocks: list[tuple[list[int], float]] = []  # neighbours that touch, and the middle of them
    for number in order:
        blocks.append(([number], places[number]))
        while len(blocks) > 1 and blocks[-1][1] - blocks[-2][1] < gap * (len(blocks[-1][0]) + len(blocks[-2][0])) / 2:
            (above, _), (below, _) = blocks.pop(), blocks.pop()
            both = below + above
            blocks.append((both, sum(places[one] for one in both) / len(both)))
    found = [0.0] * len(places)
    for members, middle in blocks:
        for place, number in enumerate(members):
            found[number] = middle + (place - (len(members) - 1) / 2) * gap
    return found
