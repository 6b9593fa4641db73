import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file

from uticket.base.errors import InputError
from uticket.ticket.mask import Mask

layers = st.dictionaries(
    st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=4, max_side=5)),
    min_size=1,
)


def test_density_and_sparsity_of_a_small_mask():
    mask = Mask({"a": np.array([[1, 0], [0, 0]]), "b": np.ones((1, 4))})
    assert (mask.num_kept, mask.num_weights, mask.density, mask.sparsity) == (5, 8, 0.625, 0.375)


@pytest.mark.parametrize("values", [[[0, 2]], [[0.5, 1.0]], [[np.nan, 1.0]], [[-1, 0]]])
def test_mask_holds_nothing_but_0_and_1(values):
    with pytest.raises(ValueError, match="layer 'conv1': expected a mask of 0 and 1"):
        Mask({"conv1": np.array(values)})


def test_mask_is_a_read_only_copy():
    values = np.ones((2, 2), dtype=bool)
    mask = Mask({"a": values})
    values[:] = False
    assert mask["a"].all()
    with pytest.raises(ValueError, match="read-only"):
        mask["a"][0, 0] = False


def test_replacing_layers_keeps_their_order_and_the_mask_as_it_was():
    mask = Mask({"a": np.ones((1, 2)), "b": np.ones((1, 3))})
    other = mask.replace({"a": np.zeros((1, 2))})
    assert list(other) == ["a", "b"]
    assert (mask.num_kept, other.num_kept) == (5, 3)
    assert Mask.ones({"a": (1, 2), "b": (1, 3)}).num_kept == 5


@given(values=layers)
def test_what_is_saved_is_what_is_loaded(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("mask") / "mask.safetensors"
    Mask(values).save(path)
    loaded = Mask.load(path, values)
    assert list(loaded) == list(values)
    assert all(np.array_equal(loaded[name], values[name]) for name in values)


def test_same_mask_gives_same_bytes(tmp_path):
    mask = Mask({name: np.eye(9)[:, :, None, None] for name in ("conv10", "conv2", "conv1")})
    mask.save(tmp_path / "a")
    mask.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_wrong_files_are_reported_by_name(tmp_path):
    good, half = tmp_path / "good", tmp_path / "half"
    Mask({"conv1": np.ones((40, 40))}).save(good)
    half.write_bytes(good.read_bytes()[:900])
    with pytest.raises(InputError, match="half: expected a safetensors file"):
        Mask.load(half, ["conv1"])
    with pytest.raises(InputError, match="absent: expected a safetensors file"):
        Mask.load(tmp_path / "absent", ["conv1"])
    with pytest.raises(InputError, match="good: expected the array 'conv2', got conv1"):
        Mask.load(good, ["conv2"])
    save_file({"conv1": np.full((2, 2), 0.5)}, tmp_path / "weights")
    with pytest.raises(InputError, match="weights: layer 'conv1': expected a mask of 0 and 1, got other values"):
        Mask.load(tmp_path / "weights", ["conv1"])
