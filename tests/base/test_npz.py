import hashlib
import io
import zipfile

import numpy as np
import pytest

from uticket.base.errors import InputError
from uticket.base.files import write_bytes
from uticket.base.npz import load_npz, npz_bytes

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


def test_archive_is_loaded_as_written(tmp_path):
    path = tmp_path / "a.npz"
    write_bytes(path, npz_bytes(ARRAYS))
    read = load_npz(path, "two arrays")
    assert list(read) == list(ARRAYS)
    assert all((read[name] == values).all() for name, values in ARRAYS.items())


def test_what_is_no_archive_is_an_error_of_one_line_that_names_it(tmp_path):
    path, whole = tmp_path / "a.npz", npz_bytes(ARRAYS, compressed=True)
    with pytest.raises(InputError, match=r"a.npz: expected two arrays, got no file$"):
        load_npz(path, "two arrays")
    np.save(tmp_path / "single.npy", np.ones(3))
    np.savez(tmp_path / "pickled.npz", a=np.array([{"a": 1}], dtype=object))
    single, pickled = (tmp_path / "single.npy").read_bytes(), (tmp_path / "pickled.npz").read_bytes()
    for content in (b"", b"not an archive", whole[: len(whole) // 2], single, pickled):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"a.npz: expected two arrays, got: \S") as error:
            load_npz(path, "two arrays")
        assert "\n" not in str(error.value)
