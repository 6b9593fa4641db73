import numpy as np

from uticket.config.tables import SCORES, TARGETS
from uticket.pruning.targets import maximum, mean, minimum

COUNTS, SIZES, GROUP = np.array([4, 3, 0, 5, 1]), np.array([4, 4, 3, 9, 9]), np.array([0, 0, 0, 1, 1])


def test_mean_is_the_lowest_level_that_holds_all_weights_of_a_group():
    assert mean(COUNTS, SIZES, GROUP, "ceil").tolist() == [3, 3]
    assert mean(np.array([4, 4, 0, 6, 1]), SIZES, GROUP, "ceil").tolist() == [3, 4]
    # ten weights in bins of 4, 4 and 3: a level of 4, since the last one is full with 3
    assert mean(np.array([4, 4, 2]), np.array([4, 4, 3]), np.zeros(3, dtype=int), "ceil").tolist() == [4]
    assert mean(np.array([3, 0, 0]), np.array([3, 1, 1]), np.zeros(3, dtype=int), "ceil").tolist() == [1]


def test_nearest_mean_changes_a_group_by_at_most_half_of_its_bins():
    assert mean(COUNTS, SIZES, GROUP, "nearest").tolist() == [2, 3]  # of 7 / 3 and 6 / 2
    large, one = np.full(4, 9), np.zeros(4, dtype=int)
    for total, level in [(0, 0), (1, 0), (2, 1), (5, 1), (6, 2), (7, 2)]:  # one half goes up
        assert mean(np.array([total, 0, 0, 0]), large, one, "nearest").tolist() == [level]
    # eight weights in bins of 1, 9 and 9: seven are left for two, and one half goes up
    assert mean(np.array([1, 7, 0]), np.array([1, 9, 9]), np.zeros(3, dtype=int), "nearest").tolist() == [4]


def test_maximum_and_minimum_are_those_of_each_group():
    assert maximum(COUNTS, SIZES, GROUP, "ceil").tolist() == [4, 5]
    assert minimum(COUNTS, SIZES, GROUP, "ceil").tolist() == [0, 1]


def test_no_weights_stay_none():
    nothing = np.zeros(5, dtype=int)
    assert [target(nothing, SIZES, GROUP, "ceil").tolist() for target in TARGETS.values()] == [[0, 0]] * 3


def test_magnitude_is_the_score():
    assert SCORES["magnitude"](np.array([-2.0, 1.0, 0.0])).tolist() == [2.0, 1.0, 0.0]
