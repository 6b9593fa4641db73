"""Means over seeds: by hand, and laws whatever the seeds."""

from math import inf, isnan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uticket.base.spread import Mean, over_seeds, plus_minus, sd_of, students_t
from uticket.base.text import cell, text_table

VALUES = st.dictionaries(st.integers(0, 9), st.floats(-1e6, 1e6), min_size=2, max_size=6)


def test_a_mean_is_a_float_that_knows_its_spread():
    mean = Mean({2: 5, 0: 1, 1: 3})
    assert mean == 3.0
    assert isinstance(mean, float)
    assert mean.sd == 2  # sqrt((4 + 0 + 4) / 2)
    assert list(mean.samples.items()) == [(0, 1), (1, 3), (2, 5)]


def test_the_interval_is_students():
    """Of three values, t with two degrees of freedom is 4.303 (any table of it)."""
    low, high = Mean({0: 1, 1: 3, 2: 5}).interval
    assert (low, high) == pytest.approx((3 - 4.3027 * 2 / sqrt(3), 3 + 4.3027 * 2 / sqrt(3)), rel=1e-4)
    assert [students_t(freedom) for freedom in (1, 2, 4)] == pytest.approx([12.706, 4.3027, 2.7764], rel=1e-4)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [({0: 1, 1: 3, 2: 5}, True), ({0: 2.9, 1: 3, 2: 3.1}, False), ({0: 1, 1: 2}, True), ({0: -2, 1: -2}, False)],
    ids=["wide", "narrow", "two seeds", "no spread"],
)
def test_a_difference_is_swallowed_if_its_interval_has_0(samples: dict[int, float], expected: bool):
    assert Mean(samples).is_swallowed is expected


def test_one_value_and_infinite_ones_have_no_spread():
    one = Mean({4: 0.5})
    assert isnan(one.sd)
    assert sd_of(one) is None
    assert one.interval == (-inf, inf)
    assert sd_of(Mean({0: inf, 1: inf})) is None
    assert sd_of(0.5) is None


def test_a_function_is_computed_seed_by_seed():
    found = over_seeds(lambda own, base: own / base, Mean({0: 1, 1: 2}), Mean({1: 4, 2: 5}))
    assert found.samples == {1: 0.5}
    assert over_seeds(lambda own, base: own / base, Mean({0: 1, 1: 2}), 2).samples == {0: 0.5, 1: 1.0}
    assert over_seeds(lambda own, base: own / base, 1, 2) == 0.5
    assert over_seeds(max, Mean({0: 1}), Mean({1: 1})) is None
    assert over_seeds(lambda value: value or None, Mean({0: 0, 1: 3})).samples == {1: 3}


@given(VALUES, st.randoms())
def test_the_order_of_seeds_changes_nothing(samples, random):
    pairs = list(samples.items())
    random.shuffle(pairs)
    one, other = Mean(samples), Mean(dict(pairs))
    assert (float(one), one.sd, one.interval) == (float(other), other.sd, other.interval)


@given(VALUES, st.data())
def test_what_is_added_to_both_leaves_their_difference(samples, data):
    """A mean of all differences that paired other seeds, or none, would keep the mean but not the spread."""
    shift = {seed: data.draw(st.integers(-1000, 1000)) for seed in samples}
    base = {seed: data.draw(st.integers(-1000, 1000)) for seed in samples}
    plain = over_seeds(lambda own, other: own - other, Mean(samples), Mean(base))
    moved = over_seeds(
        lambda own, other: own - other,
        Mean({seed: value + shift[seed] for seed, value in samples.items()}),
        Mean({seed: value + shift[seed] for seed, value in base.items()}),
    )
    assert float(moved) == pytest.approx(float(plain), abs=1e-6)
    assert moved.sd == pytest.approx(plain.sd, abs=1e-6)


def test_numbers_have_their_spread_where_there_is_one():
    assert cell("accuracy", Mean({0: 0.5, 1: 0.7})) == "60.00 ± 14.14"
    assert cell("latency_cycles", Mean({0: 1000, 1: 3000})) == "2,000 ± 1,414"
    assert cell("accuracy", Mean({0: 0.5})) == cell("accuracy", 0.5) == "50.00"
    assert plus_minus(str, 2.0) == "2.0"


def test_a_column_that_is_the_same_in_all_seeds_is_printed_as_of_one():
    rows = [{"filters": Mean({0: 4, 1: 4}), "groups": Mean({0: 2, 1: 2})}, {"filters": 7, "groups": Mean({0: 2, 1: 4})}]
    assert text_table(rows).rows == [["4", "2 ± 0"], ["7", "3 ± 1"]]
