"""Which parts of a figure belong to one method, so that the page can hide them.

A part belongs to the method with which its label or text begins, such as lth or lth, events. The label of what is no
data, such as a band, has an underscore before it, with which matplotlib leaves it out of legends.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from itertools import chain
from typing import Any

from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure


def mark_methods(figure: Figure, name: str, methods: Iterable[str]) -> dict[str, str]:
    """Give each part that belongs to a method an id in the SVG. Returns the method by id. name: of the figure."""
    known, found = list(methods), dict[str, str]()
    for artist, label in _labelled(figure):
        method = method_of(label.removeprefix("_"), known)
        if method is not None:
            if artist.get_gid() is None:
                artist.set_gid(f"{name}-part-{len(found)}")
            found[artist.get_gid()] = method
    return found


def method_of(label: str, methods: Iterable[str]) -> str | None:
    """Return the method that a label is of, if it is of one."""
    return next((method for method in methods if label == method or label.startswith(f"{method}, ")), None)


def _labelled(figure: Figure) -> Iterator[tuple[Any, str]]:
    """Return lines, bars, bands, error bars, names, ticks and whole panels with what they are labelled by."""
    for axes in figure.axes:
        yield axes, axes.get_title()
        for text in (*axes.texts, *axes.get_xticklabels()):
            yield text, text.get_text()
        for drawn in (*axes.get_lines(), *axes.collections, *axes.patches):
            yield drawn, str(drawn.get_label())
        yield from _in_containers(axes)
    for legend in (*figure.legends, *(axes.get_legend() for axes in figure.axes)):
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True) if legend else ():
            yield from ((handle, text.get_text()), (text, text.get_text()))


def _in_containers(axes: Axes) -> Iterator[tuple[Any, str]]:
    for container in axes.containers:
        parts = container.get_children()
        if isinstance(container, ErrorbarContainer):
            parts = list(chain(parts, *(part.get_children() for part in parts)))
        yield from ((part, str(container.get_label())) for part in parts)


def with_methods(svg: str, methods: Mapping[str, str]) -> str:
    """Return the SVG with the method of each part that belongs to one, as `data-method`. methods: by id."""

    def marked(group: re.Match[str]) -> str:
        method = methods.get(group[1])
        return group[0] if method is None else f'{group[0]} data-method="{escape(method)}"'

    return re.sub(r'<g id="([^"]*)"', marked, svg)
