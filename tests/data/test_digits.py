import numpy as np

from tests.data.helpers import settings
from uticket.data.prepared import Prepared
from uticket.data.sources import prepare


def test_digits_are_split_by_seed_with_every_image_once(tmp_path):
    one, same, other = (prepare(settings("digits"), tmp_path, seed) for seed in (0, 0, 1))
    assert one.image_shape == (1, 8, 8)
    assert (len(one.train.labels), len(one.test.labels), len(one.classes)) == (1437, 360, 10)
    assert (one.train.images.min(), one.train.images.max()) == (0, 255)
    assert np.array_equal(one.test.images, same.test.images)
    assert not np.array_equal(one.test.labels, other.test.labels)
    assert np.bincount(one.test.labels).min() >= 34  # of every class in proportion

    def shades(data: Prepared) -> list[bytes]:
        return sorted(image.tobytes() for part in (data.train, data.test) for image in part.images)

    assert shades(one) == shades(other)
