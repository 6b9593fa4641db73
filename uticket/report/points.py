"""The data of a figure: what its lines and bars show, as rows for a CSV and as texts that appear when pointed at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import chain, repeat, zip_longest
from operator import add
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, PercentFormatter

from uticket.base.files import Row


@dataclass(frozen=True)
class Series:
    """A named line, or the bars of one name. rows: a dict for each point: series, then the labels of both axes."""

    artists: list[Artist]  # one, or one for each row
    rows: list[Row]

    def texts(self) -> list[str]:
        """Return a text for each point, such as lth, round 2, latency 5,000 (cycles)."""
        return [", ".join(_text(name, value) for name, value in row.items()) for row in self.rows]


def keep_sds(artist: Any, sds: list[float]) -> None:
    """Have the points of a line or of bars show one standard deviation each, in the unit of the axis."""
    artist.uticket_sds = sds


def _sds(artist: Any) -> Iterator[float | None]:
    """Return the standard deviations of the points, None for each if there are none."""
    found: list[float] | None = getattr(artist, "uticket_sds", None)
    return repeat(None) if found is None else iter(found)


def rows_of(figure: Figure) -> list[Row]:
    """Return the points of all panels; a column that a panel does not have is empty in its rows."""
    rows = [row for series in series_of(figure) for row in series.rows]
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name, "") for name in names} for row in rows]


def series_of(figure: Figure) -> Iterator[Series]:
    """Return the lines and bars of all panels that have a label; grid, bands and error bars have none."""
    for axes in figure.axes:
        for line in axes.get_lines():
            if _is_named(line):
                ends: Any = zip(line.get_xdata(), line.get_ydata(), _sds(line), strict=False)  # type: ignore[arg-type]
                yield Series([line], [_row(axes, line, *end) for end in ends])
        for bars in axes.containers:
            if _is_named(bars):
                boxes: list[Any] = [box for box in bars.get_children() if hasattr(box, "get_height")]
                middles = [(box.get_x() + box.get_width() / 2, box.get_height()) for box in boxes]
                places = [(*middle, sd) for middle, sd in zip(middles, _sds(bars), strict=False)]
                yield Series(boxes, [_row(axes, bars, *place) for place in places])


def _is_named(artist: Any) -> bool:
    return not str(artist.get_label()).startswith("_")


def _row(axes: Axes, artist: Any, x: Any, y: Any, sd: float | None) -> Row:
    panel = {"panel": axes.get_title()} if axes.get_title() else {}
    label = _y_label(axes)
    values = {axes.get_xlabel(): _value(axes.xaxis, x), label: _value(axes.yaxis, y)}
    spread = {} if sd is None else {f"{label} sd": _value(axes.yaxis, sd)}
    return {**panel, "series": artist.get_label(), **values, **spread}


def _y_label(axes: Axes) -> str:
    """Return the label of the vertical axis, which may stand at the first of several panels only."""
    shared = [other for other in axes.figure.axes if axes.get_shared_y_axes().joined(axes, other)]
    return next(label for label in (axes.get_ylabel(), *(other.get_ylabel() for other in shared), "y") if label)


def _value(axis: Axis, value: Any) -> Any:
    """Return a value as the axis shows it: in percent, or the name that stands at its place."""
    formatter = axis.get_major_formatter()
    if isinstance(formatter, PercentFormatter):
        return round(100 * float(value), 10)
    if isinstance(axis.get_major_locator(), FixedLocator):
        nearest = min(axis.get_ticklocs(), key=lambda place: abs(place - value))
        return formatter(nearest, None).replace("\n", ", ")
    return value.item() if hasattr(value, "item") else value


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{name} {value:,.0f}" if abs(value) >= 1000 else f"{name} {value:.4g}"


def name_series(figure: Figure, name: str) -> dict[str, list[str]]:
    """Give each line and bar an id in the SVG. Returns the texts of its points by id. name: of the figure."""
    found = {}
    for number, series in enumerate(series_of(figure)):
        texts = series.texts()
        for place, artist in enumerate(series.artists):
            ident = f"{name}-series-{number}" + (f"-{place}" if len(series.artists) > 1 else "")
            artist.set_gid(ident)
            found[ident] = texts if len(series.artists) == 1 else [texts[place]]
    return found


def with_titles(svg: str, texts: dict[str, list[str]]) -> str:
    """Return the SVG with the text of each point in it, which browsers show where one points at it."""
    for ident, points in texts.items():
        start = svg.index(f'<g id="{ident}">')
        end = svg.find("\n   <g id=", start)  # of the next artist of the panel
        group = svg[start:end]
        if group.count("<use ") == len(points):
            pieces = re.split(r"(<use [^>]*?)/>", group)  # every second one is a point
            titles = [f"><title>{escape(text)}</title></use>" for text in points]
            group = "".join(chain.from_iterable(zip_longest(pieces[::2], map(add, pieces[1::2], titles), fillvalue="")))
        elif len(points) == 1:
            group = group.replace(">", f"><title>{escape(points[0])}</title>", 1)
        svg = svg[:start] + group + svg[end:]
    return svg
