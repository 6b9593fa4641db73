"""How all figures are drawn: SVG and PDF that are the same bytes for the same tables.

Static drawings of matplotlib rather than those of a library for pages (Plotly's basic bundle and Vega-Lite's are each
about 1 MB in every page, need JavaScript, and would draw each figure a second time): they are the same on the page, in
a paper and without JavaScript, and values appear by the SVG's own `<title>` where one points at them.
"""

import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from uticket.base.files import Row
from uticket.report.labels import legend_height, room_below, room_right
from uticket.report.points import name_series, rows_of, with_titles
from uticket.report.section import Chart
from uticket.report.tables import Tables
from uticket.report.toggles import mark_methods, with_methods

WIDTH, COLUMN = 8, 3.5  # of a figure on a page, and in a column of a paper, in inches
PANEL = 2.4  # height of a panel on a page, in inches
LEFT, TOP = 0.75, 0.22  # room for labels beside panels, and for titles above them, in inches
STYLE: Any = {
    "svg.hashsalt": "uticket",  # otherwise ids are drawn at random
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # fonts that journals take
    "font.size": 9,
    "axes.labelsize": 8.5,
    "axes.titlesize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "lines.markersize": 4,
    "lines.linewidth": 1.3,
    "hatch.linewidth": 0.6,
}


@dataclass(frozen=True)
class Drawing:
    """A figure. points: what it shows, with units in the names of columns. pdf: as wide as a column of a paper."""

    svg: str
    pdf: bytes
    points: list[Row]


def draw_charts(charts: Iterable[Chart], tables: Tables) -> dict[str, Drawing]:
    """Return the figures by name."""
    methods = dict.fromkeys(column(tables.rounds, "method"))
    return {chart.name: _draw_chart(chart.name, partial(chart.plot, tables), methods) for chart in charts}


def _draw_chart(name: str, plot: Callable[[Figure], None], methods: Iterable[str]) -> Drawing:
    with mpl.rc_context(STYLE):
        figure = _filled(plot, WIDTH)
        texts, owners = name_series(figure, name), mark_methods(figure, name, methods)
        narrow = io.BytesIO()
        empty = {"CreationDate": None, "Creator": None, "Producer": None}
        FigureCanvasPdf(_filled(plot, COLUMN)).print_pdf(narrow, metadata=empty)
        return Drawing(with_methods(with_titles(_svg(figure), texts), owners), narrow.getvalue(), rows_of(figure))


def draw(plot: Callable[[Figure], None]) -> str:
    """Return the figure that `plot` fills, as SVG text."""
    with mpl.rc_context(STYLE):
        return _svg(_filled(plot, WIDTH))


def _filled(plot: Callable[[Figure], None], width: float) -> Figure:
    figure = Figure(figsize=(width, PANEL))
    plot(figure)
    return figure


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
    return text.getvalue()


def panels(
    figure: Figure,
    count: int = 1,
    *,
    names: Sequence[str] = (),
    legend: Sequence[str] = (),
    beside: int = 2,
    gap: float = 0.8,
    bottom: float = 0.45,
    right: float = 0.1,
    shared: bool = False,
) -> list[Axes]:
    """Return `count` panels, and make the figure high enough for them.

    names: of the lines, which `name_lines` puts at the right of the last panels or below all. legend: names that
    `legend_below` puts below all, however few. beside: panels in a row on a page; in a column of a paper there is one,
    or two if the vertical axis is shared. gap, bottom, right: room for labels beside panels, below each row and at the
    right of all, in inches. Margins are given, since measuring all texts takes as long as drawing them.
    """
    width = figure.get_figwidth()
    columns = min(count, beside if width > COLUMN else 2 if shared else 1)
    rows = math.ceil(count / columns)
    below, right = room_below(names, width) + legend_height(legend, width), max(right, room_right(names))
    panel = PANEL if width > COLUMN else 1.7
    height = rows * (TOP + panel + bottom) + below
    figure.set_size_inches(width, height)
    room = (width - LEFT - right - gap * (columns - 1)) / columns
    margins = {"left": LEFT / width, "right": 1 - right / width}
    margins |= {"bottom": (bottom + below) / height, "top": 1 - TOP / height}
    grid = {**margins, "wspace": gap / room, "hspace": (TOP + bottom) / panel}
    found = list(figure.subplots(rows, columns, sharey=shared, squeeze=False, gridspec_kw=grid).flat)
    for unused in found[count:]:
        unused.remove()
    return found[:count]


def at_right(shown: Sequence[Axes]) -> list[Axes]:
    """Return the last panel of each row."""
    return list({round(axes.get_position().y0, 6): axes for axes in shown}.values())


def is_narrow(figure: Figure) -> bool:
    """Return whether the figure is for a column of a paper."""
    return figure.get_figwidth() <= COLUMN


def column(rows: Sequence[Row], name: str) -> list[Any]:
    """Return the values of a column."""
    return [row[name] for row in rows]


def weights_left(rows: Sequence[Row]) -> list[float]:
    """Return the share of the weights that are left, in percent."""
    return [100 * (1 - row["sparsity"]) for row in rows]
