import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.helpers import settings
from tests.helpers import ROOT
from uticket.base.errors import InputError
from uticket.data.folder import ENDINGS, files_of_classes, read_image
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
    for damage, got in (
        (whole[: len(whole) // 2], "got: Truncated File Read"),
        (b"not an image", "got other bytes"),
        (b"", "got"),
    ):
        (tmp_path / "b" / "2.jpg").write_bytes(damage)
        with pytest.raises(InputError, match=f"b/2.jpg: expected an image.*, {got}") as error:
            prepare(settings("folder", tmp_path), tmp_path, seed=0)
        assert "\n" not in str(error.value)


def test_what_pillow_logs_of_a_damaged_image_is_not_printed(tmp_path):
    command = "from pathlib import Path; from uticket.data.folder import read_image; read_image(Path('a.tif'), 8, 3)"
    Image.new("RGB", (4, 4)).save(tmp_path / "a.tif")
    whole = (tmp_path / "a.tif").read_bytes()
    samples = struct.pack("<HHIHH", 277, 3, 1, 3, 0)  # of a pixel
    assert samples in whole
    (tmp_path / "a.tif").write_bytes(whole.replace(samples, struct.pack("<HHIHH", 277, 3, 1, 2052, 0)))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "a.tif: expected an image" in ran.stderr
    assert ran.stderr.startswith("Traceback")


def test_folder_without_classes_to_read_is_an_error_that_names_it(tmp_path):
    with pytest.raises(InputError, match="nowhere: expected one folder of images per class"):
        prepare(settings("folder", tmp_path / "nowhere"), tmp_path, seed=0)
    (tmp_path / "empty" / "a").mkdir(parents=True)
    with pytest.raises(InputError, match=r"empty/a: expected images \(.jpg, .*\), got none"):
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
    paint(tmp_path / "a.png", 1, size=(64, 64))
    for most in (4095, 100):  # Pillow warns of up to twice as many, and refuses more
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        with pytest.raises(InputError, match="a.png: expected an image, got: Image size"):
            read_image(tmp_path / "a.png", 8, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_images_of_all_modes_are_read_as_their_colours(tmp_path, mode):
    path = tmp_path / ("a.tiff" if mode in ("CMYK", "YCbCr") else "a.png")
    shades = Image.new("RGB", (8, 8), (255, 255, 255))
    shades.paste((0, 0, 0), (0, 0, 8, 4))
    shades.convert(mode).save(path)
    for channels in (1, 3):
        pixels = read_image(path, 8, channels)
        assert pixels.shape == (channels, 8, 8)
        assert pixels[:, :4].max() < 5
        assert pixels[:, 4:].min() > 250


def test_the_first_of_several_pictures_is_read(tmp_path):
    pictures = [Image.new("RGB", (8, 8), (shade, shade, shade)) for shade in (10, 200)]
    for name in ("a.png", "a.webp", "a.tiff", "gif.png"):
        kind = "GIF" if name == "gif.png" else None
        pictures[0].save(tmp_path / name, kind, save_all=True, append_images=pictures[1:])
        assert abs(int(read_image(tmp_path / name, 8, 3).mean()) - 10) < 2


def test_a_photograph_is_turned_as_its_metadata_says(tmp_path):
    picture = Image.new("L", (8, 8))
    picture.paste(255, (0, 0, 8, 4))  # bright above
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter, clockwise
    picture.save(tmp_path / "a.png", exif=exif)
    pixels = read_image(tmp_path / "a.png", 8, 1)[0]
    assert pixels[:, 4:].min() == 255
    assert pixels[:, :4].max() == 0


def test_only_formats_that_pillow_decodes_itself_are_read(tmp_path, monkeypatch):
    """Of PostScript it runs a program, whatever the name of the file."""
    started = []
    monkeypatch.setattr("subprocess.check_call", lambda *call, **_: started.append(call))
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n")
    with pytest.raises(InputError, match=r"a.png: expected an image \(JPEG, .*, got other bytes"):
        read_image(tmp_path / "a.png", 8, 3)
    assert not started


def test_links_that_lead_back_are_not_followed(tmp_path):
    for name in "ab":
        for number in range(4):
            paint(tmp_path / name / f"{number}.png", number)
        (tmp_path / name / "back").symlink_to(tmp_path)
        (tmp_path / name / "up").symlink_to(tmp_path / name)
    (tmp_path / "c").symlink_to(tmp_path / "a")
    classes, paths, labels = files_of_classes(tmp_path, ENDINGS, "images")
    assert classes == ("a", "b", "c")
    assert len(paths) == 12
    assert labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
