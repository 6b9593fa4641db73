"""Prepared images or event frames: checked uint8 arrays, wherever they come from, and their files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError, one_line
from uticket.base.files import write_bytes, write_json, written_together
from uticket.base.npz import load_npz, npz_bytes
from uticket.config.document import About, read_document

WHAT = "prepared images"  # in errors
IMAGES_AT_A_TIME = 256  # counted, so that they stay in a core's cache


@dataclass(frozen=True)
class ImageSet:
    """Images with labels. Raises ValueError if the arrays do not fit each other.

    An image may be a recording of an event camera: frames, one for each bin of time, of the events of two polarities.
    """

    images: NDArray[np.uint8]  # (images, channels, height, width), or frames (images, bins, channels, height, width)
    labels: NDArray[np.int64]  # (images,), index into the classes

    def __post_init__(self) -> None:
        if self.images.ndim not in (4, 5) or self.images.dtype != np.uint8:
            got = f"{self.images.dtype} of shape {self.images.shape}"
            raise ValueError(f"images: expected uint8 of shape (images, [bins,] channels, height, width), got {got}")
        if self.labels.shape != self.images.shape[:1]:
            raise ValueError(f"labels: expected {len(self.images)}, one for each image, got shape {self.labels.shape}")


@dataclass(frozen=True)
class Prepared:
    """A data set: a training and a test set of images of one shape. Raises ValueError if they do not fit."""

    name: str
    classes: tuple[str, ...]
    train: ImageSet
    test: ImageSet

    def __post_init__(self) -> None:
        if self.train.images.shape[1:] != self.test.images.shape[1:]:
            got = f"{self.train.images.shape[1:]} and {self.test.images.shape[1:]}"
            raise ValueError(f"images: expected one shape in training and test set, got {got}")
        if len(self.classes) < 2:
            raise ValueError(f"classes: expected at least 2, got {len(self.classes)}")
        for part, images in (("training", self.train), ("test", self.test)):
            if not len(images.labels):
                raise ValueError(f"{part} set: expected images, got none")
            if images.labels.min() < 0 or images.labels.max() >= len(self.classes):
                raise ValueError(f"{part} set: expected labels 0 to {len(self.classes) - 1}, got others")
        missing = sorted(set(range(len(self.classes))) - set(self.train.labels.tolist()))
        if missing:
            raise ValueError(f"training set: expected images of every class, got none of {self.classes[missing[0]]!r}")

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(channels, height, width), or (bins, channels, height, width) of frames."""
        return self.train.images.shape[1:]

    @property
    def has_frames(self) -> bool:
        """Whether an image has a frame for each bin of time."""
        return len(self.image_shape) == 4

    def statistics(self) -> tuple[list[float], list[float]]:
        """Return mean and standard deviation of each channel over the training set, in [0, 255].

        They are 0 and 1 for frames, so that spikes stay spikes when they are normalized.
        """
        num_channels = self.image_shape[-3]
        if self.has_frames:
            return [0.0] * num_channels, [1.0] * num_channels
        levels = np.arange(256)
        means, deviations = [], []
        for channel in range(num_channels):
            counts = _counts(self.train.images[:, channel])
            mean = float(counts @ levels / counts.sum())
            means.append(mean)
            deviations.append(float(np.sqrt(counts @ (levels - mean) ** 2 / counts.sum())) or 1.0)
        return means, deviations


def _counts(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how often each of 0 to 255 occurs, part by part: `bincount` makes eight bytes of each one."""
    parts = (values[start : start + IMAGES_AT_A_TIME] for start in range(0, len(values), IMAGES_AT_A_TIME))
    counts: NDArray[np.int64] = sum((np.bincount(part.ravel(), minlength=256) for part in parts), np.zeros(256, int))
    return counts


def save(prepared: Prepared, folder: Path) -> None:
    """Write train.npz, test.npz and about.json into `folder`, which is made if needed."""
    with written_together(folder) as together:
        _write(prepared, together)


def _write(prepared: Prepared, folder: Path) -> None:
    for part, images in (("train", prepared.train), ("test", prepared.test)):
        write_bytes(folder / f"{part}.npz", npz_bytes({"images": images.images, "labels": images.labels}))
    about = About(
        name=prepared.name,
        image_shape=prepared.image_shape,
        train_images=len(prepared.train.labels),
        test_images=len(prepared.test.labels),
        classes=prepared.classes,
    )
    write_json(folder / "about.json", about.model_dump())


def load(folder: Path) -> Prepared:
    """Read what `save` wrote. Raises InputError, naming the file, if it is missing or damaged."""
    path = folder / "about.json"
    try:
        about = read_document(path, About, WHAT)
        train, test = (_read(folder / f"{part}.npz") for part in ("train", "test"))
        return Prepared(about.name, about.classes, train, test)
    except InputError as error:
        raise InputError(f"{error}; run the stage data") from None
    except ValueError as error:
        raise InputError(f"{path}: expected {WHAT}, got: {one_line(error)}; run the stage data") from None


def _read(path: Path) -> ImageSet:
    arrays = load_npz(path, WHAT)
    try:
        return ImageSet(arrays["images"], arrays["labels"])
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: expected {WHAT}, got: {one_line(error)}") from None
