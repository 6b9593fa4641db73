"""Boxes of the page that hide methods: what belongs to a method in figures and tables."""

import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from tests.report.conftest import SETTINGS, MakeOutputs
from uticket.base.text import TextTable
from uticket.report.bands import draw_band, draw_errors
from uticket.report.page import method_of_row
from uticket.report.toggles import mark_methods, method_of, with_methods
from uticket.report.write import write_report

PAGE = Path("report/index.html")


@pytest.mark.parametrize(
    ("label", "method"),
    [("lth", "lth"), ("lth, SRAM", "lth"), ("lth-2", "lth-2"), ("lth-2, events", "lth-2"), ("lth-3", None), ("", None)],
)
def test_a_label_is_of_the_method_with_which_it_begins(label, method):
    assert method_of(label, ["lth", "lth-2"]) == method


def test_lines_bands_bars_errors_names_and_panels_are_marked():
    figure = Figure()
    lines, bars, panel = figure.subplots(1, 3)
    (line,) = lines.plot([0, 1], [0, 1], label="lth, events")
    draw_band(lines, [0, 1], [0, 1], [0.1, 0.1], "red", "lth, events")
    draw_errors(lines, [0], [0], [0.1], "b&b")
    (box,) = bars.bar([0], [1], label="b&b")
    bars.bar([1], [1], label="MAC dynamic").patches[0].set_label("_lth, analytic")
    bars.set_xticks([0, 1], ["b&b", "lth, analytic"])
    panel.set_title("lth")
    figure.legend([line, box], ["lth, events", "b&b"])
    found = mark_methods(figure, "cost", ["lth", "b&b"])
    of = {
        method: sorted(type(a).__name__ for a in figure.findobj() if found.get(a.get_gid()) == method)
        for method in ("lth", "b&b")
    }
    legend = ["Line2D", "Text"]
    assert of["lth"] == sorted(["Line2D", "FillBetweenPolyCollection", "Rectangle", "Text", "Axes", *legend])
    assert of["b&b"] == sorted(["LineCollection", "Line2D", "Line2D", "Rectangle", "Text", "Rectangle", "Text"])
    assert len(set(found)) == len(found)


def test_marks_of_the_svg_are_escaped_and_all_else_stays():
    svg = '<g id="a">\n<g id="b"><path d=""/></g>'
    assert with_methods(svg, {"a": 'x"<'}) == svg.replace('<g id="a"', '<g id="a" data-method="x&quot;&lt;"')


def test_rows_are_of_the_method_of_their_column_or_ticket():
    methods = ["lth", "uticket"]
    assert method_of_row(methods, TextTable(["layer", "method"], []), ["lth", "uticket"]) == "uticket"
    assert method_of_row(methods, TextTable(["ticket", "epoch"], []), ["lth/r01", "1"]) == "lth"
    assert method_of_row(methods, TextTable(["method"], []), ["dense"]) == ""
    assert method_of_row(methods, TextTable(["setting"], []), ["lth"]) == ""


def test_the_page_has_a_box_for_each_method_and_its_parts_are_marked(outputs: MakeOutputs):
    write_report(SETTINGS, outputs(["lth", "a&b"]))
    page = PAGE.read_text()
    assert re.findall(r'<input type="checkbox" value="([^"]*)" checked>', page) == ["lth", "a&amp;b"]
    assert '<div class="methods" role="group" aria-labelledby="shown" hidden>' in page  # until JavaScript shows it
    groups = re.findall(r'<g id="([^"]*)" data-method="([^"]*)"', page)
    rows = re.findall(r'<tr data-method="([^"]*)"', page)
    for found in ([method for _, method in groups], rows):
        assert found.count("lth") == found.count("a&amp;b") > 20
    figures = {name.partition("-series")[0].partition("-part")[0] for name, _ in groups}
    assert figures == {"rounds", "layers", "cost", "energy", "sweep-pes", "sweep-broadcast.fifo_depth", "training"}


def test_one_method_has_no_boxes(outputs: MakeOutputs):
    write_report(SETTINGS, outputs(["lth"]))
    assert 'class="methods"' not in PAGE.read_text()
