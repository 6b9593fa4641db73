"""scikit-learn's handwritten digits, shipped inside the package."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from uticket.config.training import Data
from uticket.data.prepared import ImageSet, Prepared
from uticket.data.split import split

NUM_TEST = 360


def digits(settings: Data, downloads: Path, seed: int, timesteps: int) -> Prepared:
    """1,797 images of 8x8 in 17 shades."""
    from sklearn.datasets import load_digits  # imported here: takes seconds, and other data sets do not need it

    found = load_digits()
    shades = np.rint(found.images * (255 / 16)).astype(np.uint8)[:, np.newaxis]
    train, test = split(ImageSet(shades, found.target.astype(np.int64)), NUM_TEST, seed)
    return Prepared("digits", tuple(str(name) for name in found.target_names), train, test)


DATA_SETS: dict[str, Callable[[Data, Path, int, int], Prepared]] = {"digits": digits}
