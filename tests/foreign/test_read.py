"""Anybody's files of masks and weights: nothing in them is run."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.torch import save_file

from tests.helpers import sparse_weights, write_foreign
from uticket.base.errors import InputError
from uticket.foreign.contents import Skipped
from uticket.foreign.read import ENDINGS, read_arrays
from uticket.foreign.write import WRITE, write_arrays

FORMATS = sorted(WRITE)


def error_of(path: Path) -> str:
    """The error of reading a file, which is one line that begins with the file."""
    with pytest.raises(InputError) as error:
        read_arrays(path)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}: expected ")
    return str(error.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_of_weights_is_read(tmp_path, suffix):
    arrays = sparse_weights()
    read = read_arrays(write_foreign(tmp_path / f"weights{suffix}", arrays)).arrays
    assert sorted(read) == sorted(arrays)
    assert all(np.array_equal(read[name], values) for name, values in arrays.items())


@settings(max_examples=50, deadline=None)
@given(values=hnp.arrays(bool, hnp.array_shapes(min_dims=4, max_dims=4, max_side=4)), suffix=st.sampled_from(FORMATS))
def test_masks_are_read_as_written(tmp_path_factory, values, suffix):
    path = tmp_path_factory.mktemp("masks") / f"out{suffix}"
    write_arrays(path, {"conv10": values, "conv9": ~values})
    read = read_arrays(path).arrays
    assert np.array_equal(read["conv10"], values)
    assert np.array_equal(read["conv9"], ~values)
    assert list(read) == (["conv9", "conv10"] if suffix == ".safetensors" else ["conv10", "conv9"])


@pytest.mark.parametrize("suffix", sorted(WRITE))
def test_same_arrays_give_the_same_bytes(tmp_path, suffix):
    for name in ("one", "two"):
        write_arrays(tmp_path / f"{name}{suffix}", sparse_weights())
    one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_checkpoint_that_wraps_its_weights_is_understood(tmp_path):
    conv = torch.nn.Conv2d(3, 4, 3)
    path = tmp_path / "checkpoint.pth"
    torch.save({"epoch": 3, "state_dict": {f"features.0.{n}": v for n, v in conv.state_dict().items()}}, path)
    read = read_arrays(path).arrays
    assert sorted(read) == ["features.0.bias", "features.0.weight"]
    assert np.array_equal(read["features.0.weight"], conv.weight.detach().numpy())


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path("harm").touch, ())  # type: ignore[return-value]


def test_pickle_that_wants_to_run_code_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"conv": Harmful()}, "evil.pt")
    Path("bare.pt").write_bytes(pickle.dumps(Harmful()))
    np.savez("evil.npz", conv=np.array([Harmful()], dtype=object))
    for name in ("evil.pt", "bare.pt", "evil.npz"):
        assert error_of(Path(name)).endswith(", got no arrays in it")
    assert not Path("harm").exists()
    with np.load("evil.npz", allow_pickle=True) as unsafe:
        unsafe["conv"]
    assert Path("harm").exists()  # the file does harm where it is unpickled


@pytest.mark.parametrize("suffix", FORMATS)
def test_damaged_and_missing_files_are_an_error_of_one_line(tmp_path, suffix):
    path = write_foreign(tmp_path / f"weights{suffix}", sparse_weights())
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"damaged"):
        path.write_bytes(content)
        assert error_of(path).startswith("expected ")
    assert error_of(tmp_path / f"absent{suffix}") == "expected a file, got no file"
    (tmp_path / f"folder{suffix}").mkdir()
    assert error_of(tmp_path / f"folder{suffix}") == "expected a file, got a folder"


def test_odd_tensors_of_a_checkpoint_are_read_or_an_error_of_one_line(tmp_path):
    kernel = torch.zeros(4, 2, 1, 1)
    kernel[0, 0] = kernel[1, 1] = 2.0
    odd = {
        "bf16": kernel.bfloat16(),
        "half": kernel.half(),
        "int8": kernel.to(torch.int8),
        "sparse": kernel.to_sparse(),
    }
    torch.save(odd, tmp_path / "odd.pt")
    read = read_arrays(tmp_path / "odd.pt").arrays
    assert {name: np.count_nonzero(values) for name, values in read.items()} == dict.fromkeys(odd, 2)
    assert all(np.array_equal(values, kernel.numpy()) for values in read.values())
    save_file({"bf16": kernel.bfloat16()}, tmp_path / "bf16.safetensors")
    assert np.array_equal(read_arrays(tmp_path / "bf16.safetensors").arrays["bf16"], kernel.numpy())
    torch.save({"ghost": torch.empty(4, 2, 1, 1, device="meta")}, tmp_path / "meta.pt")
    assert read_arrays(tmp_path / "meta.pt").skipped == (Skipped("ghost", "a tensor without values (meta)", 8),)


def test_what_is_no_numeric_array_is_left_out(tmp_path):
    arrays = {"conv": np.ones((1, 1, 1, 1)), "text": np.array(["a"]), "waves": np.ones(2, dtype=complex)}
    assert list(read_arrays(write_foreign(tmp_path / "w.npz", arrays)).arrays) == ["conv"]
    torch.save({"conv": torch.ones(1, 1, 1, 1), "epoch": 3, "waves": torch.ones(2) * 1j}, tmp_path / "w.pt")
    assert list(read_arrays(tmp_path / "w.pt").arrays) == ["conv"]


def test_names_and_places_of_files_do_not_matter(tmp_path):
    torch.save({"file": torch.ones(2, 2, 1, 1)}, tmp_path / "file.pt")
    write_arrays(tmp_path / "o.npz", read_arrays(tmp_path / "file.pt").arrays)
    assert list(read_arrays(tmp_path / "o.npz").arrays) == ["file"]
    assert error_of(Path("x" * 300 + ".npz")) == "expected a file, got: File name too long"
    np.save(tmp_path / "single.npy", np.ones(3))
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    assert list(read_arrays(tmp_path / "single.npz").arrays) == ["single"]


def test_other_endings_are_refused(tmp_path):
    assert error_of(tmp_path / "w.csv") == f"expected a file ending in {', '.join(ENDINGS)}, got .csv"
    (tmp_path / "w").write_text("")
    assert error_of(tmp_path / "w") == f"expected a file ending in {', '.join(ENDINGS)}, got no ending"
