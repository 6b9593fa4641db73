import hashlib
import io
import zipfile

import numpy as np
import pytest

from uticket.base.files import npz_bytes

ARRAYS = {"file": np.arange(6, dtype=np.int64).reshape(2, 3), "layer/conv.weight": np.array([True, False])}


@pytest.mark.parametrize("compressed", [False, True])
def test_numpy_reads_the_archive_whatever_its_arrays_are_called(compressed):
    with np.load(io.BytesIO(npz_bytes(ARRAYS, compressed)), allow_pickle=False) as read:
        assert read.files == list(ARRAYS)
        assert all((read[name] == values).all() for name, values in ARRAYS.items())


def test_bytes_depend_on_the_arrays_alone():
    """dvc.lock holds their digests, and is compared between machines."""
    digest = hashlib.sha256(npz_bytes(ARRAYS)).hexdigest()
    assert digest == "9ebee67b1fd24bbd3fe4a8543b8519866c8df80fcd1fb321a2c22029def43829"
    with zipfile.ZipFile(io.BytesIO(npz_bytes(ARRAYS))) as archive:
        assert {(m.create_version, m.extract_version, m.date_time[0]) for m in archive.infolist()} == {(20, 20, 1980)}


def test_objects_are_not_pickled():
    with pytest.raises(ValueError, match="allow_pickle"):
        npz_bytes({"a": np.array([object()])})
