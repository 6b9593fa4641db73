import math
from collections import Counter
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.test_cycles import LAYER
from uticket.base.seeds import generator
from uticket.hardware.cycles import layer_cycles
from uticket.mapping.mapping import POLICIES, Array, Mapping, channel_slices, contiguous, count_by_row, unit_nonzeros
from uticket.prune.balance import balance, balance_layers, whole_layer
from uticket.prune.bins import Bins
from uticket.prune.draw import draw
from uticket.prune.select import SELECT
from uticket.ticket.mask import Mask

MODES = ["both", "recover", "remove"]
masks = hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 4), st.just(3), st.just(3)))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def rows(*filters: str) -> np.ndarray:
    """A mask of 1x1 kernels, a string of 0 and 1 for each filter."""
    return np.array([[c == "1" for c in row] for row in filters])[:, :, None, None]


def in_groups(mask: np.ndarray, pes: int) -> Mapping:
    return contiguous(unit_nonzeros(mask), pes)


def nonzeros(mask: np.ndarray) -> list[int]:
    return unit_nonzeros(mask).tolist()


def test_filters_of_a_group_end_at_the_ceiling_of_their_mean():
    mask = rows("111100", "100000", "110000", "000000")
    balanced = balance(mask, in_groups(mask, 2), rng=rng())
    assert nonzeros(balanced) == [3, 3, 1, 1]  # ceil(5 / 2), 2 / 2
    assert (balanced[0] <= mask[0]).all()
    assert (balanced[1] >= mask[1]).all()


def test_modes_recover_to_the_maximum_and_remove_to_the_minimum():
    mask = rows("111100", "100000", "110000", "000000")
    assert nonzeros(balance(mask, in_groups(mask, 2), "recover", rng=rng())) == [4, 4, 2, 2]
    assert nonzeros(balance(mask, in_groups(mask, 2), "remove", rng=rng())) == [1, 1, 0, 0]


def test_short_last_group_is_balanced_over_the_filters_it_has():
    mask = rows("1100", "0000", "1111", "1100", "0000")
    assert nonzeros(balance(mask, in_groups(mask, 3), rng=rng())) == [2, 2, 2, 1, 1]


def test_scope_layer_makes_all_filters_equal():
    mask = rows("1111", "1000", "0000", "1100")
    assert nonzeros(balance(mask, whole_layer(4), rng=rng())) == [2, 2, 2, 2]


def test_slices_of_the_channels_of_a_filter_end_equal():
    mask = rows("111000", "000000", "100001")
    balanced = balance(mask, channel_slices(3, 6, pes=3), rng=rng())
    assert balanced.reshape(3, 3, 2).sum(2).tolist() == [[1, 1, 1], [0, 0, 0], [1, 1, 1]]


def test_slice_too_small_for_the_target_keeps_all_it_has_and_the_others_share_the_rest():
    mask = rows("11111110000")  # slices of 4, 4 and 3 channels hold 4, 3 and 0
    assert balance(mask, channel_slices(1, 11, 3), rng=rng()).sum() == 9
    full = rows("11111111110")  # 10 of 11: no level that fits all; 4, 4, 3 holds them
    assert balance(full, channel_slices(1, 11, 3), rng=rng()).all()
    assert not balance(mask, channel_slices(1, 11, 3), "remove", rng=rng()).any()
    assert balance(mask, channel_slices(1, 11, 3), "recover", rng=rng()).all()


def test_two_filters_on_a_pe_are_balanced_together():
    mask = rows("1111", "1110", "1000", "0000")
    balanced = balance(mask, POLICIES["paired"](unit_nonzeros(mask), 2), rng=rng())
    counts = nonzeros(balanced)
    assert counts[0] + counts[3] == counts[1] + counts[2] == 4


def test_magnitude_removes_the_smallest_and_recovers_the_largest_just_pruned():
    trained = rows("111110", "111110")
    weights = np.array([[5, 4, 3, 2, 1, 0], [1, 2, 3, -4, 5, 0]], dtype=float)[:, :, None, None]
    mask = rows("111000", "000010")
    balanced = balance(mask, in_groups(mask, 2), "both", "magnitude", rng=rng(), trained=trained, weights=weights)
    assert np.array_equal(balanced, rows("110000", "000110"))


def test_magnitude_settles_ties_by_the_lower_index_and_comes_to_untrained_weights_last():
    mask, trained = rows("111100", "000000"), rows("111100", "000011")
    equal = np.ones(mask.shape)
    kept = balance(mask, in_groups(mask, 2), "both", "magnitude", rng=rng(), trained=trained, weights=equal)
    assert np.array_equal(kept, rows("110000", "000011"))
    for seed in range(20):
        recovered = balance(
            mask, in_groups(mask, 2), "recover", "magnitude", rng=rng(seed), trained=trained, weights=equal
        )
        assert recovered[1, 4:].all()
        assert recovered[1].sum() == 4


def test_magnitude_needs_weights():
    mask = rows("11", "10")
    with pytest.raises(ValueError, match="weights: expected the trained weights"):
        balance(mask, in_groups(mask, 2), "both", "magnitude", rng=rng())


def test_units_must_cut_the_mask_evenly():
    with pytest.raises(ValueError, match=r"mapping: expected units that cut a mask of shape \(2, 2, 1, 1\) evenly"):
        balance(rows("11", "10"), whole_layer(3), rng=rng())


def test_random_choice_is_even():
    mask = rows("11110000", "00000000")
    removed, recovered = np.zeros(4), np.zeros(8)
    for seed in range(2000):
        balanced = balance(mask, in_groups(mask, 2), rng=rng(seed))[:, :, 0, 0]
        removed += ~balanced[0, :4]
        recovered += balanced[1]
    assert np.allclose(removed / 2000, 0.5, atol=0.05)
    assert np.allclose(recovered / 2000, 0.25, atol=0.05)


@settings(max_examples=300)
@given(mask=masks, pes=st.integers(1, 14), wanted=st.booleans(), data=st.data(), seed=st.integers(0, 99))
def test_draw_takes_so_many_different_positions_of_each_bin(mask, pes, wanted, data, seed):
    bins = Bins.of(mask.shape, in_groups(mask, pes))
    flat = bins.flat(mask)
    fitting = [np.flatnonzero(flat[a:b] == wanted) + a for a, b in pairwise(bins.edges)]
    counts = np.array([data.draw(st.integers(0, len(positions))) for positions in fitting])
    drawn = draw(flat, wanted, bins, counts, rng(seed)).tolist()
    assert len(set(drawn)) == len(drawn) == counts.sum()
    assert [len(set(drawn) & set(positions.tolist())) for positions in fitting] == counts.tolist()


def test_draw_is_even_over_sets_however_many_of_how_many_are_drawn():
    for kept, wanted, count in ((6, True, 2), (6, True, 5), (1, False, 2), (4, False, 3), (2, False, 6)):
        flat = np.arange(8) < kept
        bins = Bins.of((1, 8), contiguous(np.zeros(1, dtype=np.int64), 1))
        num = kept if wanted else 8 - kept
        seen = Counter(
            tuple(sorted(draw(flat, wanted, bins, np.array([count]), rng(seed)).tolist())) for seed in range(3000)
        )
        sets = math.comb(num, count)
        assert len(seen) == sets
        assert all(abs(n - 3000 / sets) < 6 * math.sqrt(3000 / sets) for n in seen.values())


def test_draw_refuses_more_than_there_is():
    bins = Bins.of((2, 4), contiguous(np.zeros(2, dtype=np.int64), 1))
    with pytest.raises(ValueError, match="counts: expected at most as many positions as fit"):
        draw(np.array([1, 1, 0, 0] * 2, dtype=bool), True, bins, np.array([2, 3]), rng())


@settings(max_examples=300)
@given(mask=masks, pes=st.integers(1, 14), policy=st.sampled_from(sorted(POLICIES)), dataflow=st.booleans())
def test_bins_hold_the_weights_of_their_pe(mask, pes, policy, dataflow):
    mapping = channel_slices(*mask.shape[:2], pes) if dataflow else POLICIES[policy](unit_nonzeros(mask), pes)
    bins = Bins.of(mask.shape, mapping)
    units = mask.reshape(len(mapping.group), -1)
    flat = bins.flat(mask)
    assert np.array_equal(bins.unflat(flat), mask)
    for b, place in enumerate(sorted(set(mapping.bins.tolist()))):
        expected = units[mapping.bins == place].ravel()
        assert np.array_equal(flat[bins.edges[b] : bins.edges[b + 1]], expected)
        assert bins.count_ones(flat)[b] == expected.sum()
        assert bins.group[b] == place // mapping.pes


@settings(max_examples=300)
@given(rows=hnp.arrays(bool, st.tuples(st.integers(0, 4), st.integers(0, 40))), times=st.sampled_from([1, 8, 600]))
def test_rows_are_counted_whatever_their_length(rows, times):
    rows = np.tile(rows, times)
    assert count_by_row(rows).tolist() == [sum(row) for row in rows.tolist()]


def plain_targets(mask: np.ndarray, mapping: Mapping, mode: str) -> dict[int, int]:
    """The number of weights of each bin after balancing: Algorithm 1, lines 6-16, in plain loops."""
    units = mask.reshape(len(mapping.group), -1)
    found = {}
    for g in set(mapping.group.tolist()):
        places = sorted(set(mapping.bins[mapping.group == g].tolist()))
        sizes = {p: int(units[mapping.bins == p].size) for p in places}
        counts = {p: int(units[mapping.bins == p].sum()) for p in places}
        if mode == "both":
            level = 0
            while sum(min(level, sizes[p]) for p in places) < sum(counts.values()):
                level += 1
        else:
            level = max(counts.values()) if mode == "recover" else min(counts.values())
        found |= {p: min(level, sizes[p]) for p in places}
    return found


@settings(max_examples=300)
@given(
    mask=masks,
    pes=st.integers(1, 14),
    mode=st.sampled_from(MODES),
    select=st.sampled_from(sorted(SELECT)),
    flow=st.sampled_from([*sorted(POLICIES), "input-channels"]),
    seed=st.integers(0, 9),
)
def test_laws_of_a_balanced_mask(mask, pes, mode, select, flow, seed):
    weights = rng(1).normal(size=mask.shape)
    values = {"trained": mask | (np.abs(weights) > 1), "weights": weights}
    nonzeros_ = unit_nonzeros(mask)
    mapping = channel_slices(*mask.shape[:2], pes) if flow == "input-channels" else POLICIES[flow](nonzeros_, pes)
    before = mask.copy()
    balanced = balance(mask, mapping, mode, select, rng=rng(seed), **values)
    assert np.array_equal(mask, before)

    held = balanced.reshape(len(mapping.group), -1)
    counts = {p: int(held[mapping.bins == p].sum()) for p in set(mapping.bins.tolist())}
    assert counts == plain_targets(mask, mapping, mode)

    for g in range(mapping.num_groups):
        of_group = [count for place, count in counts.items() if place // pes == g]
        total = int(mask.reshape(len(mapping.group), -1)[mapping.group == g].sum())
        if mode == "both":
            assert 0 <= sum(of_group) - total < max(pes, 1)
    if mode == "recover":
        assert (balanced >= mask).all()
    if mode == "remove":
        assert (balanced <= mask).all()
    if flow == "contiguous" and len(mask) % pes == 0:
        cycles = layer_cycles(unit_nonzeros(balanced), mapping)
        assert (cycles.utilization, cycles.idle_cycles) == (1.0, 0)
    assert np.array_equal(balance(balanced, mapping, mode, select, rng=rng(seed + 1), **values), balanced)


@settings(max_examples=300)
@given(mask=masks, mode=st.sampled_from(MODES))
def test_scope_layer_keeps_every_divisor_of_the_filters_busy(mask, mode):
    balanced = balance(mask, whole_layer(len(mask)), mode, rng=rng())
    for pes in range(1, len(mask) + 1):
        if len(mask) % pes == 0:
            assert layer_cycles(unit_nonzeros(balanced), in_groups(balanced, pes)).utilization == 1.0


def test_only_given_layers_are_balanced_each_with_its_own_draws():
    kept = rng().random((4, 2, 3, 3)) < 0.3
    mask = Mask({"conv1": kept, "conv2": kept, "conv3": kept, "fc": np.eye(4)})
    weights = {name: np.ones(values.shape) for name, values in mask.items()}
    layers = [LAYER, LAYER.model_copy(update={"name": "conv3"})]

    def run(seed: int, number: int, array: Array | None = None) -> Mask:
        rng_of = partial(generator, seed, number)
        return balance_layers(mask, layers, array, "both", "random", rng_of, mask, weights)

    balanced = run(seed=0, number=1)
    assert np.array_equal(balanced["conv1"], kept)
    assert np.array_equal(balanced["fc"], np.eye(4))
    assert len(set(nonzeros(balanced["conv2"]))) == 1
    assert not np.array_equal(balanced["conv2"], balanced["conv3"])
    assert all(np.array_equal(balanced[name], run(0, 1)[name]) for name in mask)
    assert not all(np.array_equal(balanced[name], run(1, 1)[name]) for name in mask)
    assert not all(np.array_equal(balanced[name], run(0, 2)[name]) for name in mask)
    by_group = nonzeros(run(0, 1, Array(pes=2))["conv2"])
    assert by_group[0] == by_group[1]
    assert by_group[2] == by_group[3]
