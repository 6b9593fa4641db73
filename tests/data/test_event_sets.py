"""Data sets of event cameras, from small files in the published formats."""

from pathlib import Path

import numpy as np
import pytest

from tests.data.helpers import settings
from tests.data.recorded import drawn, write_aedat2, write_aedat3, write_bin, written
from uticket.base.errors import InputError
from uticket.data.prepared import Prepared
from uticket.data.sources import prepare

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def prepared(name: str, root: Path, path: Path | None = None, **others: object) -> Prepared:
    return prepare(settings(name, path or root, **others), root, seed=0, timesteps=4)


@pytest.fixture
def nmnist(tmp_path) -> Path:
    """Two digits of each class for training, one for testing."""
    for part, count in (("Train", 2), ("Test", 1)):
        for digit in range(10):
            for number in range(count):
                events = drawn(side=34, seed=10 * digit + number)
                write_bin(tmp_path / "NMNIST" / part / str(digit) / f"{number:05d}.bin", events)
    return tmp_path


def test_nmnist_is_read_digit_by_digit(nmnist):
    data = prepared("nmnist", nmnist, size=34)
    assert (data.name, data.classes) == ("nmnist", tuple("0123456789"))
    assert data.image_shape == (4, 2, 34, 34)
    assert data.train.labels.tolist() == [label for label in range(10) for _ in range(2)]
    assert data.test.labels.tolist() == list(range(10))
    assert set(np.unique(data.train.images)) == {0, 1}
    events = drawn(side=34, seed=31)
    early = events[events["t"] < events["t"][0] + (events["t"][-1] - events["t"][0]) // 4]
    expected = np.zeros((2, 34, 34), bool)
    expected[early["p"], early["y"], early["x"]] = True
    assert np.array_equal(data.train.images[7, 0], expected)  # the second digit 3, in the first bin


def test_without_its_files_nmnist_says_what_to_unpack_where(nmnist):
    (nmnist / "NMNIST" / "Test").rename(nmnist / "NMNIST" / "other")
    with pytest.raises(InputError) as error:
        prepared("nmnist", nmnist, size=34)
    line = str(error.value)
    assert line.startswith(
        f"{nmnist}/NMNIST/Test/0: expected a folder of Train/0/*.bin to Test/9/*.bin, got none; unpack"
    )
    assert f"Train.zip and Test.zip of https://www.garrickorchard.com/datasets/n-mnist into {nmnist}/NMNIST" in line
    assert len(line) <= 400
    assert "\n" not in line


def test_a_damaged_recording_is_named(nmnist):
    path = nmnist / "NMNIST" / "Train" / "4" / "00001.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="Train/4/00001.bin: expected events of 5 bytes, got 999 bytes"):
        prepared("nmnist", nmnist, size=34)
    write_bin(path, drawn(side=60))
    with pytest.raises(InputError, match=r"Train/4/00001.bin: expected events on a sensor of 34 x 34 pixels"):
        prepared("nmnist", nmnist, size=34)


def test_cifar10dvs_holds_out_a_tenth_of_each_class(tmp_path):
    for label, name in enumerate(NAMES):
        for number in range(10):
            events = drawn(side=128, seed=10 * label + number)
            write_aedat2(tmp_path / "CIFAR10DVS" / name / f"cifar10_{name}_{number}.aedat", events)
    data = prepared("cifar10dvs", tmp_path, size=16, test_share=0.1, frames="counts")
    assert data.classes == tuple(NAMES)
    assert data.image_shape == (4, 2, 16, 16)
    assert np.bincount(data.train.labels).tolist() == [9] * 10
    assert np.bincount(data.test.labels).tolist() == [1] * 10
    assert data.train.images.max() > 1
    (tmp_path / "CIFAR10DVS" / "truck").rename(tmp_path / "truck")
    with pytest.raises(
        InputError, match="CIFAR10DVS/truck: expected a folder of .*; unpack airplane.zip to truck.zip of"
    ):
        prepared("cifar10dvs", tmp_path, size=16)


@pytest.fixture
def gestures(tmp_path) -> Path:
    """A recording of all gestures by one person for training, one of two gestures by another for testing."""
    root = tmp_path / "DvsGesture"
    for user, labels in (("user01_led", range(1, 12)), ("user24_lab", (11, 3))):
        events = drawn(2000, side=128, duration=120_000)
        write_aedat3(root / f"{user}.aedat", events)
        rows = [f"{label},{10_000 * n},{10_000 * n + 9_000}" for n, label in enumerate(labels)]
        written(root / f"{user}_labels.csv", "\n".join(["class,startTime_usec,endTime_usec", *rows, ""]).encode())
    written(root / "trials_to_train.txt", b"user01_led.aedat\n")
    written(root / "trials_to_test.txt", b"user24_lab.aedat\n\n")
    return tmp_path


def test_gestures_are_cut_from_the_recordings(gestures):
    data = prepared("dvs128gesture", gestures, size=128, frames="counts")
    assert len(data.classes) == 11
    assert data.train.labels.tolist() == list(range(11))
    assert data.test.labels.tolist() == [10, 2]
    events = drawn(2000, side=128, duration=120_000)
    within = events[(events["t"] >= 20_000) & (events["t"] < 29_000)]
    lost = within["t"] >= within["t"][0] + (within["t"][-1] - within["t"][0]) // 4 * 4
    assert data.train.images[2].sum() == (~lost).sum()  # no pixel has more than 255
    assert data.train.images[2].any(axis=(1, 2, 3)).all()


def test_damaged_gestures_are_named(gestures):
    root = gestures / "DvsGesture"
    table = root / "user24_lab_labels.csv"
    for text, got in (("class,start,end\n12,0,9000\n", "12, 0, 9000"), ("class\nx,0,9000\n", "'x'")):
        table.write_text(text)
        with pytest.raises(InputError, match=rf"user24_lab_labels.csv: expected class \(1 to 11\), start and .*{got}"):
            prepared("dvs128gesture", gestures)
    table.write_text("class,start,end\n1,500000,900000\n")
    with pytest.raises(InputError, match="user24_lab.aedat: from 500000 to 900000: expected events, got none"):
        prepared("dvs128gesture", gestures)
    (root / "trials_to_train.txt").write_text("../../elsewhere.aedat\n")
    with pytest.raises(InputError, match=r"trials_to_train.txt: expected names of files beside it, got '../../elsewh"):
        prepared("dvs128gesture", gestures)
    (root / "trials_to_train.txt").unlink()
    with pytest.raises(
        InputError, match="trials_to_train.txt: expected the list of recordings, got no file; unpack Dvs"
    ):
        prepared("dvs128gesture", gestures)


def test_own_recordings_are_read_with_and_without_a_test_folder(tmp_path):
    for part in ("both/train", "both/test", "one"):
        for label, name in enumerate(("left", "right")):
            for number in range(4):
                path = tmp_path / part / name / f"{number}.npy"
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, drawn(seed=10 * label + number))
    both, one = (prepared("events_folder", tmp_path, tmp_path / name) for name in ("both", "one"))
    assert (both.name, both.classes, both.image_shape) == ("both", ("left", "right"), (4, 2, 8, 8))
    assert (len(both.train.labels), len(both.test.labels)) == (8, 8)
    assert (len(one.train.labels), len(one.test.labels)) == (6, 2)
    (tmp_path / "one" / "up").mkdir()
    with pytest.raises(InputError, match=r"one/up: expected recordings \(.npy, .*\), got none"):
        prepared("events_folder", tmp_path, tmp_path / "one")
    with pytest.raises(InputError, match="nowhere: expected one folder of recordings per class, got none"):
        prepared("events_folder", tmp_path, tmp_path / "nowhere")
