"""Sentences of the page: true for better, worse, equal and not measured."""

from math import nan

import pytest

from uticket.report.words import compared, each, less, standard_error, than, with_error


@pytest.mark.parametrize(
    ("saved", "expected"),
    [
        (29.94, "29.9 % less than lth"),
        (-9.0, "9.0 % more than lth"),
        (0.0, "as much as lth"),
        (-0.04, "as much as lth"),
    ],
)
def test_a_saving_is_less_more_or_as_much(saved: float, expected: str):
    assert f"{less(saved)} {than(saved, 'lth')}" == expected


def test_the_error_of_an_accuracy_is_binomial_and_never_zero():
    assert standard_error(0.5, 100) == pytest.approx(0.05)
    assert standard_error(1.0, 360) == standard_error(359 / 360, 360) > 0
    assert standard_error(0.0, 1) == 0.5
    assert with_error(0.9, 100) == "90.0 ± 3.0 %"
    assert with_error(0.9, None) == "90.0 %"


def test_a_difference_is_one_only_beyond_twice_its_error():
    """The error of the difference at 360 images and about 96 % is 1.4 points."""
    assert compared(0.95, 0.96, 360).startswith("1.0 points lower, equal within the error")
    assert compared(0.92, 0.96, 360).startswith("4.0 points lower, more than twice the standard error")
    assert compared(0.96, 0.92, 360).startswith("4.0 points higher, more than twice")
    assert compared(0.96, 0.96, 360).startswith("the same, equal within")
    assert compared(0.96, 0.92, None) == "4.0 points higher (error unknown, as is the size of the test set)"


def test_many_methods_are_said_by_their_extremes_and_unknown_values_left_out():
    rows = [{"method": f"m{number}", "x": number} for number in range(20)]
    assert each(rows[:2], "x", str) == "m0 0 and m1 1"
    assert each(rows, "x", str) == "20 methods between 0 (m0) and 19 (m19)"
    assert each([{"method": "a", "x": nan}, {"method": "b", "x": 1}], "x", str) == "b 1"
    assert each([{**row, "x": 7} for row in rows], "x", str) == "7 for each of 20 methods"
    assert each([], "x", str) == "no method has a value"
