import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from uticket.base.errors import InputError
from uticket.ticket.spikes import load_spikes, save_spikes

shapes = hnp.array_shapes(min_dims=5, max_dims=5, max_side=3)
spikes = st.dictionaries(
    st.sampled_from(["conv2", "layer/conv3", "file", "conv4_counts"]),
    st.one_of(hnp.arrays(bool, shapes), hnp.arrays(np.uint8, shapes)),
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@given(spikes)
def test_what_is_saved_is_what_is_loaded(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("spikes") / "activity.npz"
    save_spikes(path, values)
    loaded = load_spikes(path)
    assert list(loaded) == list(values)
    assert all(loaded[name].dtype == values[name].dtype for name in values)
    assert all(np.array_equal(loaded[name], values[name]) for name in values)


def test_eight_spikes_take_a_byte_and_the_same_spikes_the_same_bytes(tmp_path):
    values = {"conv2": np.ones((1, 8, 1, 2, 4), dtype=bool)}
    for name in ("a", "b"):
        save_spikes(tmp_path / name, values)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with np.load(tmp_path / "a", allow_pickle=False) as arrays:
        assert arrays["conv2"].nbytes == 8


def test_wrong_files_are_reported_by_name(tmp_path):
    path = tmp_path / "activity.npz"
    with pytest.raises(InputError, match=r"activity.npz: expected packed spikes, got no file"):
        load_spikes(path)
    save_spikes(path, {"conv2": np.ones((2, 3, 2, 4, 5), dtype=bool)})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"activity.npz: expected packed spikes, got: "):
        load_spikes(path)


@pytest.mark.parametrize("bits", [np.zeros(29, np.uint8), np.zeros(31, np.uint8), np.zeros(30, np.int64)])
def test_bits_that_do_not_fill_their_shape_are_reported(tmp_path, bits):
    path = tmp_path / "activity.npz"
    np.savez(path, conv2=bits, conv2_shape=np.array([2, 3, 2, 4, 5]))
    expected = rf"activity.npz: expected packed spikes, got: {len(bits)} values of {bits.dtype} for the shape \(2, 3, 2"
    with pytest.raises(InputError, match=expected):
        load_spikes(path)


@pytest.mark.parametrize("shape", [np.array([-1, 4]), np.array([2**40, 2**40]), np.array([1.5]), np.array(["x"])])
def test_shape_that_is_none_is_reported(tmp_path, shape):
    path = tmp_path / "activity.npz"
    np.savez(path, conv2=np.zeros(1, np.uint8), conv2_shape=shape)
    with pytest.raises(InputError, match=r"activity.npz: expected packed spikes, got: ") as error:
        load_spikes(path)
    assert "\n" not in str(error.value)
