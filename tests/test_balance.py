import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from uticket.hardware.cycles import layer_cycles
from uticket.layers import Layer
from uticket.mapping import contiguous
from uticket.mask import Mask, filter_nonzeros
from uticket.ticket.balance import SELECT, balance, balance_network, magnitude_scores, random_scores, whole_layer

MODES = ["both", "recover", "remove"]
masks = hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 4), st.just(3), st.just(3)))


def scored(mask: np.ndarray, seed: int = 0) -> np.ndarray:
    return random_scores(mask, mask, mask.astype(float), np.random.default_rng(seed))


def rows(*filters: str) -> np.ndarray:
    """A mask of 1x1 kernels, a string of 0 and 1 for each filter."""
    return np.array([[c == "1" for c in row] for row in filters])[:, :, None, None]


def test_filters_of_a_group_end_at_the_ceiling_of_their_mean():
    mask = rows("111100", "100000", "110000", "000000")
    balanced = balance(mask, scored(mask), contiguous(4, pes=2))
    assert filter_nonzeros(balanced).tolist() == [3, 3, 1, 1]  # ceil(5 / 2), 2 / 2
    assert (balanced[0] <= mask[0]).all()
    assert (balanced[1] >= mask[1]).all()


def test_modes_recover_to_the_maximum_and_remove_to_the_minimum():
    mask = rows("111100", "100000", "110000", "000000")
    assert filter_nonzeros(balance(mask, scored(mask), contiguous(4, 2), "recover")).tolist() == [4, 4, 2, 2]
    assert filter_nonzeros(balance(mask, scored(mask), contiguous(4, 2), "remove")).tolist() == [1, 1, 0, 0]


def test_short_last_group_is_balanced_over_the_filters_it_has():
    mask = rows("1100", "0000", "1111", "1100", "0000")
    assert filter_nonzeros(balance(mask, scored(mask), contiguous(5, pes=3))).tolist() == [2, 2, 2, 1, 1]


def test_best_scores_are_kept_and_ties_go_to_the_lower_index():
    mask = rows("111000", "000000")
    scores = np.array([[3, 5, 4, 0, 0, 0], [0, 0, 0, 0, 1, 0]], dtype=float)[:, :, None, None]
    assert np.array_equal(balance(mask, scores, contiguous(2, 2)), rows("011000", "100010"))


def test_scope_layer_makes_all_filters_equal():
    mask = rows("1111", "1000", "0000", "1100")
    assert filter_nonzeros(balance(mask, scored(mask), whole_layer(4))).tolist() == [2, 2, 2, 2]


def test_magnitude_removes_the_smallest_and_recovers_the_largest_just_pruned():
    trained = rows("111110", "111110")
    weights = np.array([[5, 4, 3, 2, 1, 0], [1, 2, 3, 4, 5, 0]], dtype=float)[:, :, None, None]
    mask = rows("111000", "000010")
    scores = magnitude_scores(mask, trained, weights, np.random.default_rng(0))
    assert np.array_equal(balance(mask, scores, contiguous(2, 2)), rows("110000", "000110"))


def test_scores_must_have_the_shape_of_the_mask():
    mask = rows("11", "10")
    with pytest.raises(ValueError, match="scores: expected the shape of the mask"):
        balance(mask, np.zeros((2, 2)), contiguous(2, 2))


def slow_balance(mask: np.ndarray, scores: np.ndarray, pes: int, mode: str) -> np.ndarray:
    """Algorithm 1, lines 6-16, group by group and filter by filter."""
    balanced = np.zeros_like(mask).reshape(len(mask), -1)
    for start in range(0, len(mask), pes):
        group = range(start, min(start + pes, len(mask)))
        counts = [int(mask[f].sum()) for f in group]
        target = {"both": math.ceil(sum(counts) / len(counts)), "recover": max(counts), "remove": min(counts)}[mode]
        for f in group:
            best = sorted(range(mask[f].size), key=lambda i: (-scores[f].flat[i], i))[:target]
            balanced[f, best] = True
    return balanced.reshape(mask.shape)


@settings(max_examples=300)
@given(mask=masks, pes=st.integers(1, 14), mode=st.sampled_from(MODES), seed=st.integers(0, 99))
def test_balance_agrees_with_the_plain_loop_and_leaves_its_input(mask, pes, mode, seed):
    before = mask.copy()
    scores = scored(mask, seed)
    balanced = balance(mask, scores, contiguous(len(mask), pes), mode)
    assert np.array_equal(balanced, slow_balance(mask, scores, pes, mode))
    assert np.array_equal(mask, before)


@settings(max_examples=300)
@given(mask=masks, pes=st.integers(1, 12), mode=st.sampled_from(MODES), select=st.sampled_from(sorted(SELECT)))
def test_laws_of_a_balanced_mask(mask, pes, mode, select):
    weights = np.random.default_rng(1).normal(size=mask.shape)
    trained = mask | (np.abs(weights) > 1)
    rng = np.random.default_rng(0)
    mapping = contiguous(len(mask), pes)
    balanced = balance(mask, SELECT[select](mask, trained, weights, rng), mapping, mode)
    if len(mask) % pes == 0:
        assert layer_cycles(filter_nonzeros(balanced), mapping).utilization == 1.0
        assert layer_cycles(filter_nonzeros(balanced), mapping).idle_cycles == 0
    for group in range(mapping.num_groups):
        gained = int(balanced[mapping.group == group].sum()) - int(mask[mapping.group == group].sum())
        if mode == "both":
            assert 0 <= gained < pes or gained == 0
    if mode == "recover":
        assert (balanced >= mask).all()
    if mode == "remove":
        assert (balanced <= mask).all()
    again = balance(balanced, SELECT[select](balanced, trained, weights, rng), mapping, mode)
    assert np.array_equal(again, balanced)


@settings(max_examples=300)
@given(mask=masks, mode=st.sampled_from(MODES))
def test_scope_layer_keeps_every_divisor_of_the_filters_busy(mask, mode):
    balanced = balance(mask, scored(mask), whole_layer(len(mask)), mode)
    for pes in range(1, len(mask) + 1):
        if len(mask) % pes == 0:
            assert layer_cycles(filter_nonzeros(balanced), contiguous(len(mask), pes)).utilization == 1.0


def layer(name: str, reads: str = "spikes", kind: str = "conv") -> Layer:
    one = (1, 1)
    sizes = {"kernel": (3, 3), "stride": one, "padding": one, "input_size": (8, 8), "output_size": (8, 8)}
    return Layer(name=name, kind=kind, filters=4, channels=2, reads=reads, **sizes)


def test_only_layers_on_the_pes_are_balanced_each_with_its_own_draws():
    rng = np.random.default_rng(0)
    kept = rng.random((4, 2, 3, 3)) < 0.3
    mask = Mask({"conv1": kept, "conv2": kept, "conv3": kept, "fc": np.eye(4)})
    weights = {name: np.ones(values.shape) for name, values in mask.items()}
    layers = [layer("conv1", reads="image"), layer("conv2"), layer("conv3"), layer("fc", kind="linear")]

    def run(seed: int, number: int) -> Mask:
        return balance_network(mask, mask, weights, layers, whole_layer, "both", "random", seed, number)

    balanced = run(seed=0, number=1)
    assert np.array_equal(balanced["conv1"], kept)
    assert np.array_equal(balanced["fc"], np.eye(4))
    assert len(set(filter_nonzeros(balanced["conv2"]).tolist())) == 1
    assert not np.array_equal(balanced["conv2"], balanced["conv3"])
    assert all(np.array_equal(balanced[name], run(0, 1)[name]) for name in mask)
    assert not all(np.array_equal(balanced[name], run(1, 1)[name]) for name in mask)
    assert not all(np.array_equal(balanced[name], run(0, 2)[name]) for name in mask)
