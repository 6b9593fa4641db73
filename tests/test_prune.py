import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from uticket.prune.prune import prune
from uticket.prune.select import largest
from uticket.ticket.mask import Mask

magnitudes = st.integers(-3, 3).map(float)  # few values, so that many are equal
weights = st.dictionaries(st.sampled_from("abc"), hnp.arrays(float, (3, 2, 2, 2), elements=magnitudes), min_size=1)


def ones_like(values: dict[str, np.ndarray]) -> Mask:
    return Mask.ones({name: array.shape for name, array in values.items()})


def test_smallest_magnitudes_of_the_network_go():
    values = {"a": np.array([[1.0, -5.0], [0.5, 3.0]]), "b": np.array([[-2.0, 0.1]])}
    pruned = prune(ones_like(values), values, 0.5, "global")
    assert pruned["a"].tolist() == [[False, True], [False, True]]
    assert pruned["b"].tolist() == [[True, False]]


def test_smallest_magnitudes_of_each_layer_go():
    values = {"a": np.array([[1.0, -5.0], [0.5, 3.0]]), "b": np.array([[-2.0, 0.1]])}
    pruned = prune(ones_like(values), values, 0.5, "layer")
    assert pruned["a"].tolist() == [[False, True], [False, True]]
    assert pruned["b"].tolist() == [[True, False]]
    assert prune(ones_like(values), values, 0.25, "layer")["b"].all()  # half a weight rounds to none


def test_among_equal_magnitudes_the_lower_index_stays():
    values = {"a": np.array([[2.0, -1.0, 1.0, 1.0]]), "b": np.array([[1.0, 1.0]])}
    pruned = prune(ones_like(values), values, 0.5, "global")
    assert pruned["a"].tolist() == [[True, True, True, False]]
    assert pruned["b"].tolist() == [[False, False]]


def test_pruned_weights_do_not_count():
    mask = Mask({"a": np.array([[1, 1, 0, 0]])})
    assert prune(mask, {"a": np.array([[0.1, 0.2, 9.0, 9.0]])}, 0.5, "global")["a"].tolist() == [[0, 1, 0, 0]]


def test_wrong_weights_are_told_by_layer():
    mask = Mask({"a": np.ones((1, 2))})
    with pytest.raises(ValueError, match="layer 'a': expected finite weights"):
        prune(mask, {"a": np.array([[1.0, np.nan]])}, 0.5, "global")
    with pytest.raises(ValueError, match=r"layer 'a': expected weights of shape \(1, 2\), came \(2, 1\)"):
        prune(mask, {"a": np.ones((2, 1))}, 0.5, "global")


@given(values=weights, fraction=st.floats(0, 0.99), scope=st.sampled_from(["global", "layer"]))
def test_counts_are_exact_and_no_weight_is_revived(values, fraction, scope):
    mask = Mask({name: array > -2 for name, array in values.items()})
    pruned = prune(mask, values, fraction, scope)
    assert all(not (pruned[name] & ~mask[name]).any() for name in mask)
    if scope == "global":
        assert pruned.num_kept == mask.num_kept - round(fraction * mask.num_kept)
    else:
        for name in mask:
            kept = int(mask[name].sum())
            assert pruned[name].sum() == kept - round(fraction * kept)


@given(values=st.lists(magnitudes, max_size=30), data=st.data())
def test_largest_is_the_head_of_a_stable_sort(values, data):
    count = data.draw(st.integers(0, len(values)))
    order = sorted(range(len(values)), key=lambda i: (-values[i], i))
    expected = [i in order[:count] for i in range(len(values))]
    assert largest(np.array(values), count).tolist() == expected


def test_more_than_all_cannot_be_marked():
    with pytest.raises(ValueError, match="expected 0 to 2 values to mark, came 3"):
        largest(np.zeros(2), 3)
