import numpy as np
import pytest

from uticket.data.prepared import ImageSet
from uticket.data.split import split


def images_of(*labels: int) -> ImageSet:
    pixels = np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    return ImageSet(pixels, np.array(labels, dtype=np.int64))


def test_each_class_is_held_out_in_proportion_and_the_order_stays():
    train, test = split(images_of(*[0] * 8, *[1] * 4), 3, seed=0)
    assert np.bincount(test.labels).tolist() == [2, 1]
    assert np.bincount(train.labels).tolist() == [6, 3]
    assert sorted([*train.images.ravel(), *test.images.ravel()]) == list(range(12))
    assert (np.diff(train.images.ravel()) > 0).all()


@pytest.mark.parametrize(
    ("labels", "num_test"), [([0, 1], 0), ([0, 0, 0, 1], 2), ([0, 0, 0, 1, 1, 1], 1), ([0, 0, 0, 1, 1, 1], 5)]
)
def test_too_few_images_of_a_class_are_an_error(labels, num_test):
    with pytest.raises(ValueError, match=f"expected 2 images or more of each class, .* got .*, {num_test} for testing"):
        split(images_of(*labels), num_test, seed=0)
