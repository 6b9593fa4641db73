"""Every reader looks at a file before it opens it: a pipe would block for ever, a device would fill the memory."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.data.helpers import settings
from tests.helpers import ROOT
from uticket.base.arrays import load_arrays, open_safetensors
from uticket.base.errors import InputError
from uticket.base.files import read_json, read_rows
from uticket.base.npz import load_npy, load_npz, npz_bytes
from uticket.cli.capture import read_inputs
from uticket.config.params import read_params
from uticket.config.plan import Plan
from uticket.data.folder import read_image
from uticket.data.frames import Framing
from uticket.data.gestures import read_trials
from uticket.data.recordings import READERS, read_recording
from uticket.foreign.read import ENDINGS, read_arrays
from uticket.hardware.chip import Chip
from uticket.report.readme import write_between
from uticket.ticket.layer import read_layers
from uticket.ticket.mask import Mask
from uticket.ticket.spikes import load_spikes

# reader -> the name of the file that it reads
Reader = Callable[[Path], object]
BY_NAME: dict[str, Reader] = {
    "a.npz": lambda path: load_npz(path, "arrays"),
    "a.npy": lambda path: load_npy(path, "an array"),
    "a.safetensors": load_arrays,
    "state.safetensors": open_safetensors,
    "mask.safetensors": lambda path: Mask.load(path, ["conv"]),
    "activity.npz": load_spikes,
    "inputs.npy": read_inputs,
    "layers.json": read_layers,
    "plan.json": Plan.read,
    "some.json": read_json,
    "table.csv": read_rows,
    "params.yaml": read_params,
    "chip.yaml": Chip.read,
    "image.png": lambda path: read_image(path, 8, 3),
    "README.md": lambda path: write_between(path, "a", "b", "c"),
    "trials_to_train.txt": lambda path: read_trials(path.parent, path.name, Framing(settings("nmnist"), (8, 8), 2), 11),
    **{f"any{ending}": read_arrays for ending in ENDINGS},
    **{f"events{ending}": read_recording for ending in READERS},
}


@pytest.fixture(params=BY_NAME)
def reader(request) -> tuple[str, Reader]:
    """A file name and what reads such a file."""
    return request.param, BY_NAME[request.param]


def refused(read: Reader, path: Path) -> str:
    with pytest.raises(InputError) as error:
        read(path)
    line = str(error.value)
    assert line.startswith(f"{path}: expected ")
    assert "\n" not in line
    return line


def test_only_regular_files_are_opened(tmp_path, reader):
    name, read = reader
    path = tmp_path / name
    assert "got no file" in refused(read, path)
    path.mkdir()
    assert "got a folder" in refused(read, path)
    path.rmdir()
    os.mkfifo(path)
    assert "got a pipe, device or socket" in refused(read, path)
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "got a pipe, device or socket" in refused(read, path)
    path.unlink()
    path.symlink_to(path)
    assert "Too many levels of symbolic links" in refused(read, path)


def test_a_large_empty_file_is_refused_before_memory_is_taken(tmp_path, reader, monkeypatch):
    """Of 10 GB, on a machine with 4 GB free."""

    class Small:
        available = 4 * 2**30

    monkeypatch.setattr("psutil.virtual_memory", Small)
    name, read = reader
    (tmp_path / name).touch()
    os.truncate(tmp_path / name, 10 * 10**9)  # sparse: takes no disk
    refused(read, tmp_path / name)


def test_arrays_that_unpack_to_more_than_there_is_room_for_are_refused(tmp_path, monkeypatch):
    class Small:
        available = 2**22

    path = tmp_path / "a.npz"
    path.write_bytes(npz_bytes({"a": np.zeros(2**20)}, compressed=True))  # 8 MiB
    bits = np.zeros(2**19, dtype=np.uint8)
    packed = npz_bytes({"conv": bits, "conv_shape": np.array([1, 1, 1, 1, 2**22])}, compressed=True)
    (tmp_path / "activity.npz").write_bytes(packed)
    load_npz(path, "arrays")
    assert load_spikes(tmp_path / "activity.npz")["conv"].size == 2**22
    monkeypatch.setattr("psutil.virtual_memory", Small)
    assert "got: members of 0.0 GiB in all, with room for 0.0 GiB" in refused(BY_NAME["a.npz"], path)
    assert "got: spikes of 0.0 GiB in all" in refused(load_spikes, tmp_path / "activity.npz")


@pytest.mark.parametrize("shape", [(2**40,), (2**62, 2**62), (-2, -2), (3,), (5,), ()])
def test_an_array_of_another_size_than_it_declares_is_refused(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(4))
    whole = (tmp_path / "a.npy").read_bytes()
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    (tmp_path / "a.npy").write_bytes(whole[:10] + text + whole[128:])
    refused(BY_NAME["a.npy"], tmp_path / "a.npy")


def test_a_long_header_of_a_safetensors_file_is_not_parsed(tmp_path):
    path = tmp_path / "a.safetensors"
    header = b"{" + b" " * (50 * 2**20) + b"}"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    assert "a header of 52,428,802 bytes" in refused(load_arrays, path)


def test_no_reader_was_forgotten():
    """A new place that opens files appears here: it looks first, or reads the repository's own code."""
    ways = ["open(", ".read_bytes(", ".read_text(", "np.load(", "np.loadtxt(", "h5py.File(", "onnx.load(", "read_mnist"]
    found = {
        str(path.relative_to(ROOT))
        for folder in ("uticket", "stages")
        for path in (ROOT / folder).rglob("*.py")
        if any(way in re.sub(r"def open\(|\wopen\(", "", path.read_text()) for way in ways)
    }
    code = {f"uticket/{name}.py" for name in ("base/registry", "project/create", "project/version", "training/key")}
    own = {  # streams, a lock that holds nothing, /proc, Keep
        "uticket/base/process.py",
        "uticket/repeating/hold.py",
        "uticket/training/contention.py",
        "uticket/training/train.py",
    }
    after_a_look = {"uticket/config/lock.py", "uticket/exploring/kept.py", "uticket/training/keep.py"}
    after_a_look |= {f"uticket/base/{name}.py" for name in ("archive", "arrays", "files", "npz")}
    after_a_look |= {f"uticket/data/{name}.py" for name in ("aedat", "folder", "gestures", "recordings")}
    names = ("look", "nir_file", "npy", "onnx_file", "safetensors_file", "torch_file")
    after_a_look |= {f"uticket/foreign/{name}.py" for name in names}
    assert found == code | own | after_a_look
