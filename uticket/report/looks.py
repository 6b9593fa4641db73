"""What methods look like in every figure: colours that differ in grey too, and a marker and a dash for each method."""

from collections.abc import Sequence
from typing import Any

from uticket.base.files import Row

# Okabe and Ito 2008, without yellow, which is too light for lines on white; neighbours differ in lightness
COLOURS = ["#0072b2", "#e69f00", "#000000", "#56b4e9", "#d55e00", "#cc79a7", "#009e73"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "p"]  # not as many as colours: 56 looks before one is repeated
DASHES = ["-", "--", "-.", (0, (5, 1, 1, 1, 1, 1))]
HATCHES = ["", "///", "xx", "--", "||", "++", "//"]

Look = dict[str, Any]


def line_look(number: int) -> Look:
    """Return colour, marker and dash of the line `number` of a figure, as arguments of `Axes.plot`."""
    return {"color": colour(number), "marker": _of(MARKERS, number), "linestyle": _of(DASHES, number)}


def bar_look(number: int) -> Look:
    """Return colour and hatch of the bars `number` of a figure, as arguments of `Axes.bar`."""
    return {"color": colour(number), "hatch": _of(HATCHES, number), "edgecolor": "white", "linewidth": 0}


def colour(number: int) -> str:
    """Return the colour of the method `number` of a figure."""
    return COLOURS[number % len(COLOURS)]


def _of(choices: Sequence[Any], number: int) -> Any:
    return choices[number % len(choices)]


def by_method(rows: Sequence[Row]) -> list[tuple[int, str, list[Row]]]:
    """Return place, method and its rows for each method, in the order of the rows; the place decides the look."""
    return [(place, method, group) for place, (method, group) in enumerate(group_by(rows, "method").items())]


def group_by(rows: Sequence[Row], name: str) -> dict[str, list[Row]]:
    """Return the rows of each value of a column, in the order of the rows."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[name], []).append(row)
    return groups
