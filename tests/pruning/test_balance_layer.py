"""Balancing one layer: small cases by hand."""

import numpy as np
import pytest

from tests.helpers import nonzeros, placed_flow, placed_mask, placed_workload, rows, with_mask
from uticket.config.pruning import Balance
from uticket.mapping.placed import place_whole
from uticket.pruning.balance import balance_layer


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def balanced(mask: np.ndarray, pes: int, flow: str = "contiguous", seed: int = 0, **how: str) -> np.ndarray:
    return balance_layer(placed_flow(mask, pes, flow), Balance(**how), rng(seed))


def test_filters_of_a_group_end_at_the_ceiling_of_their_mean():
    mask = rows("111100", "100000", "110000", "000000")
    after = balanced(mask, 2)
    assert nonzeros(after) == [3, 3, 1, 1]  # ceil(5 / 2), 2 / 2
    assert (after[0] <= mask[0]).all()
    assert (after[1] >= mask[1]).all()


def test_modes_recover_to_the_maximum_and_remove_to_the_minimum():
    mask = rows("111100", "100000", "110000", "000000")
    assert nonzeros(balanced(mask, 2, mode="recover")) == [4, 4, 2, 2]
    assert nonzeros(balanced(mask, 2, mode="remove")) == [1, 1, 0, 0]


def test_short_last_group_is_balanced_over_the_filters_it_has():
    assert nonzeros(balanced(rows("1100", "0000", "1111", "1100", "0000"), 3)) == [2, 2, 2, 1, 1]


def test_whole_layer_ends_with_all_filters_equal():
    mask = rows("1111", "1000", "0000", "1100")
    placed = place_whole(placed_mask(mask, 2).layer, mask)
    assert nonzeros(balance_layer(placed, Balance(scope="layer"), rng())) == [2, 2, 2, 2]


def test_slices_of_the_channels_of_a_filter_end_equal():
    mask = rows("111000", "000000", "100001")
    after = balanced(mask, 3, "input-channels")
    assert after.reshape(3, 3, 2).sum(2).tolist() == [[1, 1, 1], [0, 0, 0], [1, 1, 1]]


def test_slice_too_small_for_the_target_keeps_all_it_has_and_the_others_share_the_rest():
    mask = rows("11111110000")  # slices of 4, 4 and 3 channels hold 4, 3 and 0
    assert balanced(mask, 3, "input-channels").sum() == 9
    full = rows("11111111110")  # 10 of 11: no level that fits all; 4, 4, 3 holds them
    assert balanced(full, 3, "input-channels").all()
    assert not balanced(mask, 3, "input-channels", mode="remove").any()
    assert balanced(mask, 3, "input-channels", mode="recover").all()


def test_two_filters_on_a_pe_are_balanced_together():
    counts = nonzeros(balanced(rows("1111", "1110", "1000", "0000"), 2, "paired"))
    assert counts[0] + counts[3] == counts[1] + counts[2] == 4


def test_magnitude_removes_the_smallest_and_recovers_the_largest_just_pruned():
    trained = rows("111110", "111110")
    weights = np.array([[5, 4, 3, 2, 1, 0], [1, 2, 3, -4, 5, 0]], dtype=float)[:, :, None, None]
    placed = placed_mask(rows("111000", "000010"), 2)
    after = balance_layer(placed, Balance(select="magnitude"), rng(), trained, weights)
    assert np.array_equal(after, rows("110000", "000110"))


def test_magnitude_breaks_ties_by_the_lower_index_and_takes_untrained_weights_last():
    mask, trained = rows("111100", "000000"), rows("111100", "000011")
    placed, equal = placed_mask(mask, 2), np.ones(mask.shape)
    kept = balance_layer(placed, Balance(select="magnitude"), rng(), trained, equal)
    assert np.array_equal(kept, rows("110000", "000011"))
    for seed in range(20):
        recovered = balance_layer(placed, Balance(mode="recover", select="magnitude"), rng(seed), trained, equal)
        assert recovered[1, 4:].all()
        assert recovered[1].sum() == 4


def test_magnitude_needs_weights():
    with pytest.raises(ValueError, match="weights: expected the trained weights"):
        balanced(rows("11", "10"), 2, select="magnitude")


def test_without_a_mask_before_pruning_the_kept_weights_are_the_trained_ones():
    mask, weights = rows("1111", "0000"), np.array([[4, 3, 2, 1], [9, 9, 9, 9]], dtype=float)[:, :, None, None]
    found = {
        balance_layer(placed_mask(mask, 2), Balance(select="magnitude"), rng(seed), None, weights)[1].tobytes()
        for seed in range(30)
    }
    assert len(found) > 1  # filter 1 has no trained weight: drawn, not the first two of equal magnitude


def test_random_choice_is_even():
    placed = placed_mask(rows("11110000", "00000000"), 2)
    removed, recovered = np.zeros(4), np.zeros(8)
    for seed in range(2000):
        after = balance_layer(placed, Balance(), rng(seed))[:, :, 0, 0]
        removed += ~after[0, :4]
        recovered += after[1]
    assert np.allclose(removed / 2000, 0.5, atol=0.05)
    assert np.allclose(recovered / 2000, 0.25, atol=0.05)


def test_copies_of_a_group_change_nothing_about_its_weights():
    mask = rows("1111", "1000")
    for spare in ("idle", "split_outputs"):
        placed = placed_mask(mask, 5, positions=7, spare_pes=spare)
        assert nonzeros(balance_layer(placed, Balance(), rng())) == [3, 3]


def test_balanced_weights_of_the_places_are_those_of_the_mask():
    placed = placed_workload([4, 1, 0, 3], 2)
    after = balance_layer(placed, Balance(), rng())
    assert with_mask(placed, after).workload.tolist() == [[3, 3], [2, 2]]
    assert placed.workload.tolist() == [[4, 1], [0, 3]]
