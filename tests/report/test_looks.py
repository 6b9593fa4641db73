"""Figures are read in grey, by those who see colours otherwise, and without exaggerating an image."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from tests.report.conftest import MakeOutputs
from uticket.report.axes import accuracy_axis, names_below
from uticket.report.drawing import COLUMN, panels
from uticket.report.labels import apart, name_lines
from uticket.report.latex import latex
from uticket.report.looks import COLOURS, line_look
from uticket.report.points import rows_of
from uticket.report.sections.rounds import plot_rounds
from uticket.report.tables import gather

# of linear RGB; Machado et al. 2009, severity 1
SEEN = {
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
}


def linear(colour: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lightness(colour: str) -> float:
    """L* of CIE Lab, 0 to 100."""
    luminance = linear(colour) @ [0.2126, 0.7152, 0.0722]
    return float(116 * np.cbrt(luminance) - 16 if luminance > 0.0089 else 903.3 * luminance)


def test_neighbours_of_the_palette_differ_in_grey():
    shades = [lightness(colour) for colour in COLOURS]
    assert min(abs(np.diff(shades[:5]))) > 15
    assert max(shades) < 75  # on white


@pytest.mark.parametrize("matrix", SEEN.values(), ids=SEEN)
def test_no_two_colours_look_the_same_to_the_colour_blind(matrix):
    seen = [np.cbrt(np.clip(np.array(matrix) @ linear(colour), 0, 1)) for colour in COLOURS]
    assert min(np.abs(a - b).max() for i, a in enumerate(seen) for b in seen[:i]) > 0.08


def test_twenty_methods_look_different_without_colours_of_their_own():
    looks = [str(line_look(number)) for number in range(20)]
    assert len(set(looks)) == 20


def test_places_are_apart_and_keep_their_order():
    assert apart([0.5, 0.5, 0.0], 0.2) == pytest.approx([0.4, 0.6, 0.0])
    assert apart([], 0.1) == []


def test_bars_whose_name_has_no_room_keep_it_in_the_data():
    figure = Figure(figsize=(8, 3))
    (axes,) = panels(figure)
    names = [f"method {number}" for number in range(200)]
    axes.bar(range(200), range(200), label="energy")
    names_below(axes, names)
    axes.set_xlabel("method")
    axes.set_ylabel("energy")
    assert [row["method"] for row in rows_of(figure)] == names
    seen = [tick.get_visible() for tick in axes.xaxis.get_major_ticks()]
    assert seen == [place % 3 == 0 for place in range(200)]


def test_an_accuracy_axis_is_ten_standard_errors_high():
    (axes,) = panels(Figure())
    axes.plot([1, 2], [0.970, 0.971])
    accuracy_axis(axes, [0.009])
    low, high = axes.get_ylim()
    assert high - low == pytest.approx(0.09)
    assert low < 0.970 < 0.971 < high <= 1.01


@pytest.mark.parametrize(("width", "methods"), [(COLUMN, 2), (8, 1), (8, 20)])
def test_rounds_fit_and_are_data(outputs: MakeOutputs, width, methods):
    tables = gather(outputs(["lth"]), "lth", 360)
    rows = [{**row, "method": f"m{number}"} for number in range(methods) for row in tables.rounds]
    figure = Figure(figsize=(width, 3))
    plot_rounds(replace(tables, rounds=rows), figure)
    assert bool(figure.legends) == (methods > 6)
    points = rows_of(figure)
    assert len(points) == 2 * len(rows)
    assert points[0] == {"series": "m0", "weights left (%)": 100, "utilization (%)": 70, "accuracy (%)": ""}


def test_names_stand_at_the_ends_of_lines():
    (axes,) = panels(figure := Figure(), names=["one", "other"])
    for name in ("one", "other"):
        axes.plot([0, 1], [0, 1], label=name)
    name_lines(figure, [axes], ["one", "other"])
    places = [text.xy[1] for text in axes.texts]
    assert abs(places[0] - places[1]) * 2.4 > 0.16  # inches


def test_latex_is_escaped():
    text = latex([{"method": "a_b & c", "accuracy": 0.5}])
    assert r"a\_b \& c & 50.00 \\" in text
    assert r"\toprule" in text
    assert r"accuracy \%" in text


def test_a_long_name_leaves_room_for_the_panels():
    for names in (["u" * 28], ["u" * 80]):
        figure = Figure(figsize=(COLUMN, 2))
        (axes,) = panels(figure, 1, names=names)
        assert axes.get_position().width * COLUMN > 0.5
    axes.plot([0, 1], [0, 1], label=names[0])
    name_lines(figure, [axes], names)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == names
