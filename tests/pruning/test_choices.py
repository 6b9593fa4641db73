import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import placed_mask, rows
from uticket.config.tables import CHOICES
from uticket.pruning.bins import Bins
from uticket.pruning.choices import largest

magnitudes = st.integers(-3, 3).map(float)  # few values, so that many are equal


@given(values=st.lists(magnitudes, max_size=30), data=st.data())
def test_largest_is_the_head_of_a_stable_sort(values, data):
    count = data.draw(st.integers(0, len(values)))
    order = sorted(range(len(values)), key=lambda i: (-values[i], i))
    expected = [i in order[:count] for i in range(len(values))]
    assert largest(np.array(values), count).tolist() == expected


def test_more_than_all_cannot_be_marked():
    with pytest.raises(ValueError, match="expected 0 to 2 values to mark, got 3"):
        largest(np.zeros(2), 3)
    with pytest.raises(ValueError, match="expected 0 to 2 values to mark, got -1"):
        largest(np.zeros(2), -1)


def test_magnitude_gives_positions_of_each_bin():
    mask, trained = rows("1110", "0001"), rows("1111", "0011")
    weights = np.array([[-1.0, 3, 2, 9], [1, 1, 5, -6]])[:, :, None, None]
    bins = Bins.of(placed_mask(mask, 2))
    chosen = CHOICES["magnitude"](bins, bins.flat(mask), trained, weights, np.random.default_rng(0))
    assert sorted(chosen.removed(np.array([2, 1])).tolist()) == [0, 2, 7]
    assert sorted(chosen.recovered(np.array([1, 1])).tolist()) == [3, 6]
    assert sorted(chosen.recovered(np.array([0, 3])).tolist()) == [4, 5, 6]  # two of them untrained


def test_random_gives_positions_of_each_bin():
    mask = rows("1110", "0001")
    bins = Bins.of(placed_mask(mask, 2))
    chosen = CHOICES["random"](bins, bins.flat(mask), mask, None, np.random.default_rng(0))
    assert sorted(chosen.removed(np.array([3, 1])).tolist()) == [0, 1, 2, 7]
    assert sorted(chosen.recovered(np.array([1, 3])).tolist()) == [3, 4, 5, 6]


def test_magnitude_needs_weights():
    mask = rows("11", "10")
    bins = Bins.of(placed_mask(mask, 2))
    with pytest.raises(
        ValueError, match="weights: expected the trained weights, by which `magnitude` selects, got none"
    ):
        CHOICES["magnitude"](bins, bins.flat(mask), mask, None, np.random.default_rng(0))
