"""No file runs anything, hangs, takes much memory, or ends in more than one line."""

import copyreg
import io
import os
import pickle
import resource
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.foreign import hostile
from tests.foreign.bombs import BOMBS, STORAGE, safetensors, tensor
from tests.foreign.hostile import CALLS, CANARY, EXTENSION, EXTENSION_CLASS, NAMED, hostile_pickles, steps_of
from tests.foreign.kinds import KINDS
from uticket.base.errors import InputError
from uticket.foreign.contents import Contents
from uticket.foreign.pickles import load_pickle
from uticket.foreign.read import read_arrays

PICKLES = dict(hostile_pickles())


@pytest.fixture
def canary() -> Iterator[list[str]]:
    """The canary, with the extensions of copyreg that a process may have registered, and used before."""
    codes = {"harm": EXTENSION, "Harmful": EXTENSION_CLASS}
    for name, code in codes.items():
        copyreg.add_extension(hostile.__name__, name, code)
        pickle.loads(b"\x80\x02\x84" + code.to_bytes(4, "little") + b".")
    copyreg.add_extension(hostile.__name__, "CANARY", EXTENSION % 251)
    pickle.loads(b"\x80\x02\x82" + bytes([EXTENSION % 251]) + b".")
    CANARY.clear()
    yield CANARY
    CANARY.clear()
    for name, code in {**codes, "CANARY": EXTENSION % 251}.items():
        copyreg.remove_extension(hostile.__name__, name, code)


def read_or_line(path: Path) -> Contents | str:
    """What reading gives, or its error: one line of at most 400 characters that names the file, or one beside it."""
    try:
        return read_arrays(path)
    except InputError as error:
        line = str(error)
        assert line.startswith(f"{path}: expected ") or line.startswith(str(path.parent))
        assert "\n" not in line
        assert len(line) <= 400
        return line


def pickled(path: Path, content: bytes) -> Path:
    """A file of one pickle."""
    path.write_bytes(content)
    return path


def wrapped(content: bytes, folder: Path) -> Iterator[Path]:
    """Files of every kind that holds a pickle."""
    yield from (pickled(folder / name, content) for name in ("w.pkl", "w.pt"))
    with zipfile.ZipFile(folder / "zip.pth", "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/byteorder", content)
    yield folder / "zip.pth"
    with zipfile.ZipFile(folder / "script.pt", "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/constants.pkl", content)
        archive.writestr("a/code/__torch__.py", "raise SystemExit")
    yield folder / "script.pt"
    start = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    (folder / "stream.pth").write_bytes(start + content + pickle.dumps([], 2))
    yield folder / "stream.pth"
    blob = pickle.dumps({"w": _Blob(start + content + pickle.dumps([], 2))}, 4)
    (folder / "blob.pkl").write_bytes(blob)
    yield folder / "blob.pkl"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    (folder / "w.npy").write_bytes(header.getvalue() + content)
    yield folder / "w.npy"
    with zipfile.ZipFile(folder / "w.npz", "w") as archive:
        archive.writestr("w.npy", header.getvalue() + content)
    yield folder / "w.npz"


class _Blob:
    """A tensor in a plain pickle, whose storage is a stream of torch.save."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __reduce__(self) -> tuple[object, ...]:
        return torch._utils._rebuild_tensor_v2, (_Storage(self.content), 0, (1,), (1,), False, {})


class _Storage(_Blob):
    def __reduce__(self) -> tuple[object, ...]:
        return torch.storage._load_from_bytes, (self.content,)


def test_hostile_pickles_of_every_protocol_and_step_run_nothing(tmp_path, canary):
    assert len(PICKLES) >= 200
    for name, content in PICKLES.items():
        for path in wrapped(content, tmp_path) if name.endswith("-4") else [pickled(tmp_path / "w.pkl", content)]:
            read_or_line(path)
            assert not canary, (name, path.name)


def test_hostile_pickles_do_harm_where_they_are_unpickled(canary):
    """The twin of the test above: its pickles are no blanks."""
    harmful, seen = 0, set()
    for content in PICKLES.values():
        canary.clear()
        with suppress(Exception):
            pickle.Unpickler(io.BytesIO(content)).load()
        harmful += bool(canary)
        seen |= steps_of(content)
    assert harmful >= 200
    calling = {"REDUCE", "BUILD", "NEWOBJ", "NEWOBJ_EX", "INST", "OBJ", "GLOBAL", "STACK_GLOBAL"}
    assert calling | {"EXT1", "EXT2", "EXT4", "BINPERSID", "APPENDS", "SETITEMS", "ADDITEMS", "FROZENSET"} <= seen


# what the error says, where several things are wrong
REASONS = {
    "laughs": "more than 100,000 parts",
    "deep_lists": "containers nested deeper than 64",
    "many_steps": "a pickle of more than 150,000 steps",
    "memo_alike": "keeps values under odd numbers",
    "itself": "got no arrays in it",
    "own_dict": "got no arrays in it",
    "huge_names": "a name of more than 1,000 characters",
    "long_bytes": "bytes",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_take_little_time_and_memory(tmp_path, monkeypatch, name):
    monkeypatch.setattr("uticket.foreign.pickles.MOST_STEPS", 150_000 if name == "many_steps" else 4_000_000)
    monkeypatch.setattr("uticket.foreign.tree.MOST_PARTS", 100_000 if name == "laughs" else 2_000_000)
    path = tmp_path / "w.pkl"
    path.write_bytes(BOMBS[name])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = read_or_line(path)
    assert isinstance(found, str)
    assert REASONS.get(name, "") in found
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, (5,), (1,)),
        (1, (4,), (1,)),
        (-1, (1,), (1,)),
        (0, (2, 2), (4, 1)),
        (0, (2,), (-1,)),
        (0, (2,), (1, 1)),
        (0, (-2, -2), (1, 1)),
        (0, (2**62,), (0,)),
        (0, (2**40, 2**40), (0, 0)),
        (2**62, (1,), (1,)),
        (0, (2,), (2**62,)),
        (0, (1,) * 80, (1,) * 80),
        (0, (2**80,), (0,)),
    ],
)
def test_tensors_that_leave_their_storage_are_an_error(tmp_path, offset, size, stride):
    path = tmp_path / "w.pt"
    for written, expected in (((offset, size, stride), str), ((1, (3,), (1,)), Contents)):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", tensor(STORAGE, *written))
            archive.writestr("a/data/0", np.arange(4, dtype=np.float32).tobytes())
        assert isinstance(read_or_line(path), expected)


def test_storages_that_are_short_or_absent_or_climb_out_are_an_error(tmp_path):
    path = tmp_path / "w.pt"
    for key, name in ((b"X\x01\x00\x00\x000", "a/data/1"), (b"X\x0c\x00\x00\x00../../secret", "secret")):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", tensor(STORAGE.replace(b"X\x01\x00\x00\x000", key), 0, (1,), (1,)))
            archive.writestr(name, bytes(16))
        assert isinstance(read_or_line(path), str)
    torch.save({"w": torch.ones(64)}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-8])
    assert "a file that ends within a storage" in str(read_or_line(path))


def test_a_storage_that_is_a_part_of_another_is_that_part(tmp_path):
    """As old versions of PyTorch write it: the persistent id has a view, (key, start, length)."""
    view = STORAGE.replace(b"K\x04tQ", b"K\x02(X\x01\x00\x00\x001K\x02K\x02ttQ")
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:
        archive.writestr("a/data.pkl", tensor(view, 1, (1,), (1,)))
        archive.writestr("a/data/0", np.arange(4, dtype=np.float32).tobytes())
    assert read_arrays(tmp_path / "w.pt").arrays["w"].tolist() == [3.0]
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:
        archive.writestr("a/data.pkl", tensor(view, 0, (3,), (1,)))
        archive.writestr("a/data/0", np.arange(8, dtype=np.float32).tobytes())
    assert "ends after its storage of 2 numbers" in str(read_or_line(tmp_path / "w.pt"))


def test_an_archive_with_a_very_long_list_of_members_is_an_error(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, w=np.ones(3))
    content = path.read_bytes()
    end = content.rindex(b"PK\x05\x06")
    path.write_bytes(content[: end + 12] + (2**31).to_bytes(4, "little") + content[end + 16 :])
    assert "a list of members of 2,147,483,648 bytes" in str(read_or_line(path))


def test_archives_that_unpack_to_more_than_there_is_room_for_are_an_error(tmp_path, monkeypatch):
    class Small:
        available = 2**22

    monkeypatch.setattr("psutil.virtual_memory", Small)
    np.savez_compressed(tmp_path / "w.npz", w=np.zeros(2**21))
    assert (tmp_path / "w.npz").stat().st_size < 2**16
    line = str(read_or_line(tmp_path / "w.npz"))
    assert line.endswith("got: members of 0.0 GiB in all, with room for 0.0 GiB")
    np.savez_compressed(tmp_path / "many.npz", **{f"w{n}": np.zeros(2**15) for n in range(10)})
    assert "members of" in str(read_or_line(tmp_path / "many.npz"))
    for path in (tmp_path / "w.npy", tmp_path / "w.pkl", tmp_path / "w.safetensors", tmp_path / "w.onnx"):
        path.write_bytes(b"")
        os.truncate(path, 2**23)  # sparse: takes no disk
        assert isinstance(read_or_line(path), str)


def test_numpy_headers_that_lie_are_an_error(tmp_path):
    path = tmp_path / "w.npy"
    for shape in ((2**40,), (2**62, 2**62), (-1,), (1,) * 80, ("a",), "(" * 3000, (True,)):
        header = io.BytesIO()
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}\n".encode()
        header.write(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
        path.write_bytes(header.getvalue() + bytes(4))
        assert isinstance(read_or_line(path), str), shape
    path.write_bytes(b"\x93NUMPY\x02\x00" + (2**31).to_bytes(4, "little") + b"{" * 100)
    assert "a header of 2,147,483,648 bytes" in str(read_or_line(path))


@pytest.mark.parametrize(
    "content",
    [
        safetensors(b'{"w":{"dtype":"F32","shape":[%s],"data_offsets":[0,4]}}' % b",".join([b"1"] * 80), bytes(4)),
        safetensors(b'{"w":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4]}}', bytes(4)),
        safetensors(b'{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', bytes(4)),
        safetensors(b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}', bytes(4)),
        safetensors(b'{"w":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}', b"\x07"),
        safetensors(b"{}", length=2**62),
        safetensors(b'{"a":' * 5000),
    ],
)
def test_safetensors_that_lie_are_an_error(tmp_path, content):
    (tmp_path / "w.safetensors").write_bytes(content)
    assert isinstance(read_or_line(tmp_path / "w.safetensors"), str)


def test_a_long_header_of_safetensors_is_not_parsed(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(safetensors(b"{" + b" " * (26 * 2**20) + b"}"))
    assert "a header of 27,262,978 bytes" in str(read_or_line(tmp_path / "w.safetensors"))


def test_any_name_of_a_safetensors_file_can_be_sorted(tmp_path):
    names = ["9" * 5000, "²", "①", "٣", "a10", "a9", "a09", "", "1²3"]
    entries = ",".join(f'"{name}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for name in names)
    (tmp_path / "w.safetensors").write_bytes(safetensors(f"{{{entries}}}".encode()))
    found = read_or_line(tmp_path / "w.safetensors")
    assert isinstance(found, Contents)
    assert len(found.arrays) == len(names)
    order = list(found.arrays)
    assert order.index("a9") < order.index("a10")


def test_shards_stay_in_their_folder(tmp_path):
    np.savez(tmp_path / "secret.npz", w=np.ones(3))
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "model.safetensors.index.json"
    for file in ("../secret.npz", str(tmp_path / "secret.npz"), path.name, ".", ""):
        path.write_text(f'{{"weight_map": {{"w": "{file}"}}}}')
        assert "which is no file beside the index" in str(read_or_line(path))
    path.write_text('{"weight_map": {"w": "absent.safetensors"}}')
    assert str(read_or_line(path)).endswith("absent.safetensors: expected a file, got no file")
    for text in ("[]", '{"weight_map": {"w": 3}}', "{", "[" * 100_000):
        path.write_text(text)
        assert isinstance(read_or_line(path), str)


@pytest.mark.parametrize(("key", "value"), [("offset", 10**6), ("offset", -4), ("length", 10**6), ("length", -4)])
def test_numbers_of_onnx_that_leave_their_file_are_an_error(tmp_path, key, value):
    import onnx

    path, _ = next(kind for kind in KINDS if kind.make.__name__ == "onnx_outside").make(tmp_path)
    model = onnx.load(path, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        entry.value = str(value) if entry.key == key else entry.value
    onnx.save(model, path)
    assert "numbers after the end of 'net.data'" in str(read_or_line(path))


def test_links_of_hdf5_are_not_followed(tmp_path):
    import h5py

    path, _ = next(kind for kind in KINDS if kind.make.__name__ == "nir_graph").make(tmp_path)
    for link in (h5py.ExternalLink("other.h5", "/w"), h5py.SoftLink("/node")):
        with h5py.File(path, "a") as file:
            file["node/nodes/fc/extra"] = link
        assert "a link 'extra' to another place" in str(read_or_line(path))
        with h5py.File(path, "a") as file:
            del file["node/nodes/fc/extra"]
    with h5py.File(path, "a") as file:
        file["node/nodes/fc"].create_dataset("extra", (4,), "f4", external=[("/dev/zero", 0, 16)])
    assert "whose numbers are in another file" in str(read_or_line(path))


def test_devices_and_pipes_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "w.pt")
    for path in (tmp_path / "w.pt", tmp_path / "zero.npz", tmp_path / "loop.onnx"):
        if path.name == "zero.npz":
            path.symlink_to("/dev/zero")
        if path.name == "loop.onnx":
            path.symlink_to(path)
        assert "expected a file, got" in str(read_or_line(path))


def test_pickles_are_as_python_reads_them():
    values = {"a": [1, -2, 2**70, 1.5, True, None], "b": (("x", b"y"), (), {"c": "ä"}), "d": bytearray(b"z"), 3: 4}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        content = {key: value for key, value in values.items() if protocol > 4 or key != "d"}
        content["b"] = content["b"] if protocol > 2 else "x"
        assert load_pickle(io.BytesIO(pickle.dumps(content, protocol))) == content


def test_all_ways_and_calls_are_tried():
    assert len(NAMED) * len(CALLS) * 3 < len(PICKLES)
