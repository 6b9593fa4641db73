"""Recordings in each format that people have, and damaged ones."""

import sys
from types import ModuleType
from unittest.mock import MagicMock

import numpy as np
import pytest

from tests.data.recorded import drawn, packet, write_aedat2, write_aedat3, write_bin, written
from uticket.base.errors import InputError
from uticket.data import recordings
from uticket.data.recordings import read_recording


def test_every_format_gives_the_events_that_were_written(tmp_path):
    events = drawn()
    np.save(tmp_path / "a.npy", events)
    np.savez(tmp_path / "a.npz", t=events["t"], x=events["x"], y=events["y"], p=events["p"])
    paths = [tmp_path / "a.npy", tmp_path / "a.npz", write_bin(tmp_path / "a.bin", events)]
    paths += [write_aedat2(tmp_path / "2.aedat", events, marks=3), write_aedat3(tmp_path / "3.aedat", events)]
    for path in paths:
        assert np.array_equal(read_recording(path), events), path


def test_aedat_is_read_as_others_read_it(tmp_path, monkeypatch):
    """SpikingJelly's readers, which are for DVS128 Gesture and, lying on its side, CIFAR10-DVS."""
    for name in ("torchaudio", "torchaudio.transforms"):  # imported beside them, broken on some machines, not needed
        monkeypatch.setitem(sys.modules, name, MagicMock())
    from spikingjelly.datasets.cifar10_dvs import _load_origin_data
    from spikingjelly.datasets.utils import load_aedat_v3

    from uticket.data.event_sets import upright

    events = drawn(side=128)
    gesture, image = write_aedat3(tmp_path / "3.aedat", events), write_aedat2(tmp_path / "2.aedat", events)
    for ours, theirs in (
        (read_recording(gesture), load_aedat_v3(gesture)),
        (upright(image), _load_origin_data(image)),
    ):
        for name in "txyp":
            assert np.array_equal(ours[name], np.asarray(theirs[name]).astype(int)), name


def test_overflow_of_the_clock_adds_to_the_time(tmp_path):
    events = drawn()
    late = read_recording(write_aedat3(tmp_path / "a.aedat", events, overflow=2))
    assert np.array_equal(late["t"], events["t"] + 2 * 2**31)


def test_events_that_are_not_valid_are_skipped(tmp_path):
    pairs = np.array([[1 << 17 | 3, 5], [2 << 17 | 2, 6]], dtype="<u4")
    content = b"#!AER-DAT3.1\r\n#!END-HEADER\r\n" + packet(1, pairs)
    assert read_recording(written(tmp_path / "a.aedat", content))["x"].tolist() == [1]


def test_events_are_put_in_the_order_of_their_time(tmp_path):
    events = drawn()
    np.save(tmp_path / "a.npy", events[::-1])
    read = read_recording(tmp_path / "a.npy")
    assert np.array_equal(read["t"], events["t"])
    assert sorted(read.tolist()) == sorted(events.tolist())


def test_signed_polarities_and_other_types_are_taken(tmp_path):
    events = drawn()
    columns = {"t": events["t"].astype(np.float64), "x": events["x"].astype(np.uint16), "y": events["y"]}
    np.savez(tmp_path / "a.npz", **columns, p=2 * events["p"] - 1)
    assert np.array_equal(read_recording(tmp_path / "a.npz"), events)


def columns(**changes: object) -> dict:
    events = drawn(3)
    return {name: events[name] for name in "txyp"} | changes


@pytest.mark.parametrize(
    ("arrays", "error"),
    [
        (columns(t=np.array([0.1, 0.2, 0.3])), "expected whole numbers in t, times in microseconds, got float64"),
        (columns(p=np.array([1, 2, 1])), r"expected 0 and 1, or -1 and 1, in p, got \[1, 2\]"),
        (columns(x=np.array([1, 2])), r"expected t, x, y, p of one length, got \(3,\), \(2,\)"),
        ({"events": np.zeros((3, 4))}, "expected t, x, y, p, one value for each event, got events"),
        ({name: np.empty(0, int) for name in "txyp"}, "expected events, got none"),
    ],
)
def test_arrays_that_are_no_events_are_an_error_that_names_the_file(tmp_path, arrays, error):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=f"a.npz: {error}"):
        read_recording(tmp_path / "a.npz")


def test_rows_without_names_and_pickles_are_an_error(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((5, 4), int))
    with pytest.raises(InputError, match=r"a.npy: expected an array of events with fields .* got int64 of \(5, 4\)"):
        read_recording(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.array([{"t": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"a.npy: expected a recording of events, got: Object arrays cannot be loaded"):
        read_recording(tmp_path / "a.npy")


def test_files_cut_off_or_of_another_kind_are_an_error(tmp_path):
    events = drawn()
    for write, name, kept in ((write_bin, "a.bin", 42), (write_aedat2, "a.aedat", -3), (write_aedat3, "b.aedat", -3)):
        path = write(tmp_path / name, events)
        path.write_bytes(path.read_bytes()[:kept])
        with pytest.raises(InputError, match=f"{name}: expected .*(cut off|got fewer)"):
            read_recording(path)
    for content, error in (
        (b"#!AER-DAT1.0\r\n", "expected AEDAT 2.0 or 3.1, got 1.0"),
        (b"PK", "expected AEDAT 2.0 or 3.1, got no line #!AER-DAT"),
        (b"#!AER-DAT2.0\r\n" + b"\x7f" * 8, "expected addresses of a DVS128 in AEDAT 2.0"),
        (b"#!AER-DAT3.1\r\n#!END-HEADER\r\n" + packet(1, np.zeros((1, 2), "<u4"))[:20], "expected a packet at byte 28"),
    ):
        with pytest.raises(InputError, match=f"c.aedat: {error}"):
            read_recording(written(tmp_path / "c.aedat", content))
    header = b"#!AER-DAT3.1\r\n#!END-HEADER\r\n"
    for size in (1, 4, 6):  # of an event
        short = packet(1, np.ones((9, 2), "<u4")).replace(b"\x08\0\0\0", size.to_bytes(4, "little"), 1)
        with pytest.raises(InputError, match=f"c.aedat: expected events of pixels of 8 bytes at byte 56, got {size}"):
            read_recording(written(tmp_path / "c.aedat", header + short))
    with pytest.raises(InputError, match="c.aedat: expected events, got none"):
        read_recording(written(tmp_path / "c.aedat", header + packet(1, np.ones((0, 2), "<u4"))))
    with pytest.raises(InputError, match=r"none.bin: expected a recording of events, got no file$"):
        read_recording(tmp_path / "none.bin")


def test_aedat4_needs_its_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "aedat", None)
    path = written(tmp_path / "a.aedat4", b"#!AER-DAT4.0\r\n")
    with pytest.raises(InputError, match=r"a.aedat4: expected the library aedat, .* pip install aedat"):
        read_recording(path)


def test_aedat4_is_read_by_its_library(tmp_path, monkeypatch):
    events, aedat = drawn(), ModuleType("aedat")
    fields = np.dtype([("t", "<u8"), ("x", "<u2"), ("y", "<u2"), ("on", "?")])

    class Decoder:
        def __init__(self, _: str) -> None:
            self.packets = [{"stream_id": 0, "events": part.astype(fields)} for part in np.array_split(events, 3)]

        def id_to_stream(self) -> dict:
            return {0: {"type": "events"}}

        def __iter__(self):
            return iter(self.packets)

    aedat.Decoder = Decoder
    monkeypatch.setitem(sys.modules, "aedat", aedat)
    assert np.array_equal(read_recording(written(tmp_path / "a.aedat4", b"")), events)


def test_without_tonic_one_line_says_how_to_install_it(tmp_path, monkeypatch):
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(recordings, "import_module", missing)
    with pytest.raises(InputError, match=r"data.name: expected tonic, .* `pip install tonic`") as error:
        read_recording(write_bin(tmp_path / "a.bin", drawn()))
    assert "\n" not in str(error.value)
