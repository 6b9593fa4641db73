import numpy as np
import pytest

from tests.data.helpers import images
from uticket.base.errors import InputError
from uticket.data.prepared import IMAGES_AT_A_TIME, ImageSet, Prepared, load, save


def made_up(labels: list[int], classes: int = 2) -> Prepared:
    images_ = images(len(labels), 1, 4, 4)
    part = ImageSet(images_, np.array(labels, dtype=np.int64))
    return Prepared("made-up", tuple("abcdef"[:classes]), part, part)


def test_prepared_images_are_loaded_as_saved_with_the_same_bytes(tmp_path):
    data = made_up([0, 1, 1])
    for folder in ("one", "two"):
        save(data, tmp_path / folder)
    loaded = load(tmp_path / "one")
    assert loaded.classes == data.classes
    assert np.array_equal(loaded.test.images, data.test.images)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_file_cut_in_half_is_named(tmp_path):
    save(made_up([0, 1, 1]), tmp_path)
    for name in ("train.npz", "about.json"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match=f"{name}: expected prepared images, got"):
            load(tmp_path)
        (tmp_path / name).write_bytes(whole)
    (tmp_path / "test.npz").unlink()
    with pytest.raises(InputError, match=r"test.npz: expected prepared images, got no file; run the stage data"):
        load(tmp_path)


def test_file_without_its_arrays_or_keys_is_named(tmp_path):
    save(made_up([0, 1, 1]), tmp_path)
    (tmp_path / "about.json").write_text('{"name": "made-up"}')
    with pytest.raises(InputError, match=r"about.json: image_shape: expected a value, .*; run the stage data"):
        load(tmp_path)
    save(made_up([0, 1, 1]), tmp_path)
    np.savez(tmp_path / "test.npz", images=images(3, 1, 4, 4))
    with pytest.raises(InputError, match=r"test.npz: expected prepared images, got: .*labels.*; run the stage data"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("labels", "classes", "error"),
    [
        ([0, 2], 2, "training set: expected labels 0 to 1"),
        ([0, 0], 2, "expected images of every class, got none of 'b'"),
        ([0, 0], 1, "classes: expected at least 2, got 1"),
        ([], 2, "training set: expected images, got none"),
    ],
)
def test_images_and_labels_that_do_not_fit_are_an_error(labels, classes, error):
    with pytest.raises(ValueError, match=error):
        made_up(labels, classes)


def test_statistics_are_those_of_all_training_images_by_channel():
    """Of more images than are counted at a time."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2 * IMAGES_AT_A_TIME + 7, 2, 3, 5), np.uint8)
    images[:, 1] //= 9
    images[-7:] = 255
    part = ImageSet(images, np.arange(len(images)) % 2)
    means, deviations = Prepared("drawn", ("a", "b"), part, part).statistics()
    assert means == pytest.approx(images.mean((0, 2, 3)).tolist(), rel=1e-12)
    assert deviations == pytest.approx(images.std((0, 2, 3)).tolist(), rel=1e-9)
