import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers import LAYER, mask_of
from uticket.base.errors import InputError
from uticket.pruning.prune import prune, prune_mask
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

magnitudes = st.integers(-3, 3).map(float)  # few values, so that many are equal
weights = st.dictionaries(st.sampled_from("abc"), hnp.arrays(float, (3, 2, 2, 2), elements=magnitudes), min_size=1)


def pruned(values: dict[str, np.ndarray], fraction: float, scope: str = "global") -> Mask:
    """The mask that is left of a dense one, by magnitude."""
    scores = {name: np.abs(array) for name, array in values.items()}
    return prune_mask(Mask.ones({name: array.shape for name, array in values.items()}), scores, fraction, scope)


def test_smallest_magnitudes_of_the_network_go():
    values = {"a": np.array([[1.0, -5.0], [0.5, 3.0]]), "b": np.array([[-2.0, 0.1]])}
    mask = pruned(values, 0.5)
    assert mask["a"].tolist() == [[False, True], [False, True]]
    assert mask["b"].tolist() == [[True, False]]


def test_smallest_magnitudes_of_each_layer_go():
    values = {"a": np.array([[1.0, -5.0], [0.5, 3.0]]), "b": np.array([[-2.0, 0.1]])}
    mask = pruned(values, 0.5, "layer")
    assert mask["a"].tolist() == [[False, True], [False, True]]
    assert mask["b"].tolist() == [[True, False]]
    assert pruned(values, 0.25, "layer")["b"].all()  # half a weight rounds to none


def test_among_equal_magnitudes_the_lower_index_stays():
    mask = pruned({"a": np.array([[2.0, -1.0, 1.0, 1.0]]), "b": np.array([[1.0, 1.0]])}, 0.5)
    assert mask["a"].tolist() == [[True, True, True, False]]
    assert mask["b"].tolist() == [[False, False]]


def test_pruned_weights_do_not_count():
    mask = Mask({"a": np.array([[1, 1, 0, 0]])})
    assert prune_mask(mask, {"a": np.array([[0.1, 0.2, 9.0, 9.0]])}, 0.5)["a"].tolist() == [[0, 1, 0, 0]]


def test_wrong_scores_are_reported_by_layer():
    mask = Mask({"a": np.ones((1, 2))})
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match="layer 'a': expected finite scores, got NaN or infinity"):
            prune_mask(mask, {"a": np.array([[1.0, value]])}, 0.5)
    with pytest.raises(ValueError, match=r"layer 'a': expected scores of shape \(1, 2\), got \(2, 1\)"):
        prune_mask(mask, {"a": np.ones((2, 1))}, 0.5)
    half = Mask({"a": np.array([[1, 0]])})  # of a pruned weight the score does not matter
    assert prune_mask(half, {"a": np.array([[1.0, np.nan]])}, 0)["a"].tolist() == [[1, 0]]


@given(values=weights, fraction=st.floats(0, 0.99), scope=st.sampled_from(["global", "layer"]))
def test_counts_are_exact_and_no_weight_is_revived(values, fraction, scope):
    mask = Mask({name: array > -2 for name, array in values.items()})
    pruned = prune_mask(mask, {name: np.abs(array) for name, array in values.items()}, fraction, scope)
    assert list(pruned) == list(mask)
    assert all(not (pruned[name] & ~mask[name]).any() for name in mask)
    if scope == "global":
        assert pruned.num_kept == mask.num_kept - round(fraction * mask.num_kept)
    else:
        for name in mask:
            kept = int(mask[name].sum())
            assert pruned[name].sum() == kept - round(fraction * kept)


def dense(values: dict[str, np.ndarray], **others: object) -> Ticket:
    """A ticket that keeps all weights."""
    layers = [LAYER.model_copy(update={"name": name}) for name in values]
    return Ticket(layers, Mask.ones(dict.fromkeys(values, (4, 2, 3, 3))), values, **others)


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_ticket_is_pruned_by_magnitude_and_keeps_its_weights(scope):
    rng = np.random.default_rng(0)
    ticket = dense({"a": rng.normal(size=(4, 2, 3, 3)), "b": 9 * rng.normal(size=(4, 2, 3, 3))}, timesteps=3)
    after = prune(ticket, 0.25, scope=scope)
    scores = {name: np.abs(values) for name, values in ticket.weights.items()}
    expected = prune_mask(ticket.mask, scores, 0.25, scope)
    assert all(np.array_equal(after.mask[name], expected[name]) for name in "ab")
    assert (ticket.mask.num_kept, after.mask.num_kept) == (144, 108)
    assert (after.weights, after.layers, after.timesteps) == (ticket.weights, ticket.layers, 3)
    assert prune(after, 0.5).mask.num_kept == 54


def test_ticket_without_weights_of_a_layer_is_reported():
    with pytest.raises(InputError, match="weights: expected trained weights of the layer 'conv2', got none"):
        prune(Ticket([LAYER], {"conv2": mask_of(3)}), 0.5)
    image = LAYER.model_copy(update={"name": "conv1", "reads": "image"})
    values = {"conv2": np.ones((4, 2, 3, 3))}
    with pytest.raises(InputError, match="weights: expected trained weights of the layer 'conv1', got none"):
        prune(Ticket([image, LAYER], {"conv1": mask_of(3), "conv2": mask_of(3)}, values), 0.5)


def test_whole_filters_go_by_their_norm_and_linear_weights_by_magnitude():
    conv = np.zeros((3, 1, 2, 2), dtype=np.float32)
    conv[0], conv[1, 0, 0, 0], conv[2, 0, 0, 0] = 1, 3, 1  # root mean squares 1, 1.5, 0.5
    linear = np.array([[1, -4], [3, 2]], dtype=np.float32)
    ticket = Ticket.from_arrays({"conv": conv + 0.01, "linear": linear}, linear=True)
    half = prune(ticket, 0.5, "filter_norm", "layer")
    assert half.mask["linear"].tolist() == [[False, True], [True, False]]
    third = prune(ticket, 1 / 3, "filter_norm", "layer").mask["conv"]
    assert third.reshape(3, -1).all(axis=1).tolist() == [True, True, False]
    assert not third[2].any()
