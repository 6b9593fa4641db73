"""Holding out test images."""

import numpy as np
from numpy.typing import NDArray

from uticket.base.seeds import generator
from uticket.data.prepared import ImageSet


def split(images: ImageSet, num_test: int, seed: int) -> tuple[ImageSet, ImageSet]:
    """Hold out `num_test` images at random, of every class in proportion; return training and test images.

    Raises ValueError if there are too few of a class.
    """
    _, counts = np.unique(images.labels, return_counts=True)
    if counts.min() < 2 or not len(counts) <= num_test <= len(images.labels) - len(counts):
        expected = "2 images or more of each class, one of each for testing and one for training"
        got = f"{len(images.labels)} of {len(counts)} classes, {counts.min()} of one, {num_test} for testing"
        raise ValueError(f"expected {expected}, got {got}")
    from sklearn.model_selection import train_test_split  # imported here: takes seconds

    order: tuple[NDArray[np.int64], NDArray[np.int64]] = train_test_split(
        np.arange(len(images.labels)),
        test_size=num_test,
        stratify=images.labels,
        random_state=int(generator(seed, "split").integers(2**31)),
    )
    train, test = (ImageSet(images.images[part], images.labels[part]) for part in map(np.sort, order))
    return train, test
