"""The data sets by name: embedded, downloaded through torchvision, or a folder of one's own."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.base.seeds import generator
from uticket.config.params import Data
from uticket.data import download, folder
from uticket.data.prepared import ImageSet, Prepared

DIGITS_TEST_IMAGES = 360


def prepare(settings: Data, downloads: Path, seed: int) -> Prepared:
    """Return the checked images of the data set that `settings.name` names.

    downloads: where torchvision's files are kept. seed: decides which images are held out where the source does not
    say. Raises InputError, naming the file, if one is missing or damaged.
    """
    try:
        if settings.name == "digits":
            return _digits(seed)
        if settings.name == "folder":
            return _folder(settings, seed)
        return download.FETCH[settings.name](downloads)
    except InputError:
        raise
    except ValueError as error:  # of Prepared, and of scikit-learn when there are too few images to split
        raise InputError(f"data set {settings.name}: {error}") from None


def _digits(seed: int) -> Prepared:
    """scikit-learn's handwritten digits: 1,797 images of 8x8 in 17 shades, shipped inside the package."""
    from sklearn.datasets import load_digits  # imported here: takes seconds, and other data sets do not need it

    digits = load_digits()
    shades = np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, np.newaxis]
    images = ImageSet(shades, digits.target.astype(np.int64))
    train, test = _split(images, DIGITS_TEST_IMAGES, seed)
    return Prepared("digits", tuple(str(name) for name in digits.target_names), train, test)


def _folder(settings: Data, seed: int) -> Prepared:
    """An ImageFolder tree; without train/ and test/ folders a share of every class is held out."""
    root = Path(settings.path)
    if (root / "train").is_dir() and (root / "test").is_dir():
        classes, train = folder.read(root / "train", settings.size, settings.channels)
        test_classes, test = folder.read(root / "test", settings.size, settings.channels)
        if test_classes != classes:
            odd = sorted(set(classes) ^ set(test_classes))[0]
            raise InputError(f"{root}: expected the same classes in train and test, came {odd!r} in one of them only")
    elif (root / "train").is_dir() or (root / "test").is_dir():
        raise InputError(
            f"{root}: expected both train and test folders, or folders of classes only, came one of the two"
        )
    else:
        classes, images = folder.read(root, settings.size, settings.channels)
        train, test = _split(images, round(settings.test_share * len(images.labels)), seed)
    return Prepared(root.name, classes, train, test)


def _split(images: ImageSet, num_test: int, seed: int) -> tuple[ImageSet, ImageSet]:
    """Hold out `num_test` images at random, of every class in proportion."""
    from sklearn.model_selection import train_test_split

    order: tuple[NDArray[np.int64], NDArray[np.int64]] = train_test_split(
        np.arange(len(images.labels)),
        test_size=num_test,
        stratify=images.labels,
        random_state=int(generator(seed, "split").integers(2**31)),
    )
    train, test = (ImageSet(images.images[part], images.labels[part]) for part in map(np.sort, order))
    return train, test
