"""A flipped bit in what was written is found by all that read it; files of others are read as they are."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save_file

from uticket.base.arrays import load_arrays, safetensors_bytes
from uticket.base.errors import InputError
from uticket.foreign.read import read_arrays
from uticket.ticket.mask import Mask

ARRAYS = {
    "mask": np.array([[True, False, True]]),
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "one": np.array(3, dtype=np.int64),
    "none": np.zeros((0, 4), dtype=np.float32),
}
WHOLE = safetensors_bytes(ARRAYS)
HEADER = 8 + int.from_bytes(WHOLE[:8], "little")


def test_sealed_arrays_are_read_by_all(tmp_path):
    path = tmp_path / "file.safetensors"
    path.write_bytes(WHOLE)
    for found in (load_arrays(path), read_arrays(path).arrays, load(WHOLE)):
        assert found.keys() == ARRAYS.keys()
        assert all(
            np.array_equal(found[name], values) and found[name].shape == values.shape for name, values in ARRAYS.items()
        )
    assert safetensors_bytes(dict(reversed(ARRAYS.items()))) == WHOLE


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 8 * (len(WHOLE) - HEADER) - 1))
def test_each_flipped_bit_of_the_numbers_is_found(tmp_path_factory, bit):
    damaged = bytearray(WHOLE)
    damaged[HEADER + bit // 8] ^= 1 << bit % 8
    path = tmp_path_factory.mktemp("bit") / "file.safetensors"
    path.write_bytes(damaged)
    for read in (load_arrays, read_arrays):
        with pytest.raises(InputError, match="other bytes in '.*' than were written|booleans other than 0 and 1"):
            read(path)


def test_arrays_of_others_are_read_without_digests_but_for_booleans_that_are_none(tmp_path):
    path = tmp_path / "file.safetensors"
    save_file({"a": np.ones(3), "b": np.array([True, False])}, path)
    assert set(load_arrays(path)) == {"a", "b"}
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"\2")
    for read in (load_arrays, read_arrays, lambda path: Mask.load(path, ["b"])):
        with pytest.raises(InputError, match="booleans other than 0 and 1"):
            read(path)


@pytest.mark.parametrize("digests", ["{", "[]", "3", "{}"])
def test_damaged_digests_are_reported(tmp_path, digests):
    path: Path = tmp_path / "file.safetensors"
    save_file({"a": np.ones(3)}, path, {"digests": digests})
    for read in (load_arrays, read_arrays):
        with pytest.raises(InputError, match="file.safetensors: expected a safetensors file, got: "):
            read(path)
