from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.helpers import settings
from uticket.base.errors import InputError
from uticket.data.sources import prepare


def paint(path: Path, shade: int, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, shade if mode == "L" else (shade, 0, 255 - shade)).save(path)


def test_folder_with_train_and_test_is_read_class_by_class(tmp_path):
    for part, count in (("train", 3), ("test", 1)):
        for number in range(count):
            paint(tmp_path / part / "cat" / f"{number}.png", 10 + number)
            paint(tmp_path / part / "ant" / f"{number}.png", 200, size=(16, 4))
    data = prepare(settings("folder", tmp_path), tmp_path, seed=0)
    assert data.classes == ("ant", "cat")
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.train.images.shape == (6, 3, 8, 8)
    assert data.train.images[4, :, 0, 0].tolist() == [11, 0, 244]
    assert (data.test.images[0, 0] == 200).all()  # another size, resized


def test_folder_without_test_holds_out_a_share_of_each_class(tmp_path):
    for name in ("a", "b"):
        for number in range(8):
            paint(tmp_path / name / f"{number}.png", number, mode="L")
    data = prepare(settings("folder", tmp_path, channels=1), tmp_path, seed=0)
    assert np.bincount(data.train.labels).tolist() == [6, 6]
    assert np.bincount(data.test.labels).tolist() == [2, 2]
    shades = np.concatenate([data.train.images, data.test.images])[:, 0, 0, 0]
    assert sorted(shades.tolist()) == sorted(2 * list(range(8)))


def test_damaged_image_is_named(tmp_path):
    for number in range(4):
        paint(tmp_path / "a" / f"{number}.jpg", number, size=(64, 64))
        paint(tmp_path / "b" / f"{number}.jpg", number, size=(64, 64))
    whole = (tmp_path / "b" / "2.jpg").read_bytes()
    for damage in (whole[: len(whole) // 2], b"not an image", b""):
        (tmp_path / "b" / "2.jpg").write_bytes(damage)
        with pytest.raises(InputError, match=r"b/2.jpg: expected an image, got: ") as error:
            prepare(settings("folder", tmp_path), tmp_path, seed=0)
        assert "\n" not in str(error.value)


def test_folder_without_classes_to_read_is_an_error_that_names_it(tmp_path):
    with pytest.raises(InputError, match="nowhere: expected one folder of images per class"):
        prepare(settings("folder", tmp_path / "nowhere"), tmp_path, seed=0)
    (tmp_path / "empty" / "a").mkdir(parents=True)
    with pytest.raises(InputError, match="empty: expected one folder of images per class, got: .*class.* a"):
        prepare(settings("folder", tmp_path / "empty"), tmp_path, seed=0)
    paint(tmp_path / "odd" / "train" / "a" / "0.png", 1)
    paint(tmp_path / "odd" / "test" / "b" / "0.png", 1)
    with pytest.raises(InputError, match="odd: expected the same classes in train and test, got 'a' in one of them"):
        prepare(settings("folder", tmp_path / "odd"), tmp_path, seed=0)
    for part in ("train", "test"):
        paint(tmp_path / f"only-{part}" / part / "a" / "0.png", 1)
        with pytest.raises(InputError, match=f"only-{part}: expected both train and test folders"):
            prepare(settings("folder", tmp_path / f"only-{part}"), tmp_path, seed=0)
    paint(tmp_path / "few" / "a" / "0.png", 1)
    paint(tmp_path / "few" / "b" / "0.png", 1)
    with pytest.raises(InputError, match="data set folder: expected 2 images or more of .* got 2 of 2 classes"):
        prepare(settings("folder", tmp_path / "few"), tmp_path, seed=0)


def test_sixteen_bit_grey_is_scaled_and_pixels_without_a_range_are_an_error(tmp_path):
    for number in range(4):
        for name in "ab":
            path = tmp_path / name / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.full((8, 8), 257 * number * 10, dtype=np.uint16)).save(path)
    data = prepare(settings("folder", tmp_path, channels=1), tmp_path, seed=0)
    assert set(np.unique([*data.train.images, *data.test.images])) == {0, 10, 20, 30}
    Image.fromarray(np.full((8, 8), 0.5, dtype=np.float32)).save(tmp_path / "a" / "4.tiff")
    with pytest.raises(InputError, match="a/4.tiff: expected an image, got: pixels of mode F"):
        prepare(settings("folder", tmp_path), tmp_path, seed=0)


def test_image_that_claims_to_be_huge_is_named(tmp_path, monkeypatch):
    paint(tmp_path / "a" / "0.png", 1, size=(64, 64))
    paint(tmp_path / "b" / "0.png", 1)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match="a/0.png: expected an image, got: Image size"):
        prepare(settings("folder", tmp_path), tmp_path, seed=0)
