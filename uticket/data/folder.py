"""Images from a folder with one folder per class, the layout that torchvision's ImageFolder reads."""

import logging
import warnings
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from uticket.base.errors import InputError, one_line
from uticket.base.files import is_folder, look
from uticket.base.progress import bar, log
from uticket.config.training import Data
from uticket.data.prepared import ImageSet, Prepared
from uticket.data.split import split

MODES = {1: "L", 3: "RGB"}
ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # those of ImageFolder
# By the first bytes of a file, whatever its ending. Pillow knows more: PostScript, say, for which it runs a program.
KINDS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP", "GIF")
logging.getLogger("PIL").addHandler(logging.NullHandler())  # what it logs would stand above the one line of an error

Read = Callable[[Path], tuple[tuple[str, ...], ImageSet]]  # a folder of classes -> their names, the images


def folder(settings: Data, downloads: Path, seed: int, timesteps: int) -> Prepared:
    """Images of one's own, in the folder `data.path`; without train/ and test/ a share of every class is held out."""
    root = Path(settings.path)
    return Prepared(root.name, *from_folder(root, settings, seed, lambda part: read(part, settings)))


def from_folder(
    root: Path, settings: Data, seed: int, read: Read, parts: tuple[str, str] = ("train", "test")
) -> tuple[tuple[str, ...], ImageSet, ImageSet]:
    """Return the classes, the training and the test images of a folder.

    parts: names of the folders of both; without them, the share `data.test_share` of every class is held out.
    Raises InputError, naming the folder, if there is one of the two, or they have other classes.
    """
    for_training, for_testing = (root / part for part in parts)
    if for_training.is_dir() and for_testing.is_dir():
        (classes, train), (test_classes, test) = read(for_training), read(for_testing)
        if test_classes != classes:
            odd = sorted(set(classes) ^ set(test_classes))[0]
            raise InputError(f"{root}: expected the same classes in train and test, got {odd!r} in one of them only")
    elif for_training.is_dir() or for_testing.is_dir():
        raise InputError(
            f"{root}: expected both train and test folders, or folders of classes only, got one of the two"
        )
    else:
        classes, images = read(root)
        train, test = split(images, round(settings.test_share * len(images.labels)), seed)
    return classes, train, test


def read(root: Path, settings: Data) -> tuple[tuple[str, ...], ImageSet]:
    """Read all images under `root`/CLASS/, resized as the settings say; return the classes, sorted by name, and them.

    Raises InputError, naming the file or folder, if there are no classes, a class is empty or an image is damaged.
    """
    classes, paths, labels = files_of_classes(root, ENDINGS, "images")
    size, channels = settings.size, settings.channels
    images = np.empty((len(paths), channels, size, size), dtype=np.uint8)
    log.info("reading %d images from %s", len(paths), root)
    for index, path in enumerate(bar(paths, f"reading {root}", "image")):
        images[index] = read_image(path, size, channels)
    return classes, ImageSet(images, labels)


def files_of_classes(
    root: Path, endings: Collection[str], what: str
) -> tuple[tuple[str, ...], list[Path], NDArray[np.int64]]:
    """Return the classes, which are folders, the files below each with one of the endings, and their labels.

    All are sorted by name. A link to a class or a file is followed, one to a folder below a class is not: it may lead
    back. what: what the files are. Raises InputError, naming the folder, if there are no classes or one is empty.
    """
    classes = sorted(path.name for path in root.iterdir() if is_folder(path)) if is_folder(root) else []
    if not classes:
        raise InputError(f"{root}: expected one folder of {what} per class, got none")
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        files = sorted(p for p in (root / name).rglob("*") if p.suffix.lower() in endings and not is_folder(p))
        if not files:
            raise InputError(f"{root / name}: expected {what} ({', '.join(endings)}), got none")
        paths += files
        labels += [label] * len(files)
    return tuple(classes), paths, np.array(labels, dtype=np.int64)


def read_image(path: Path, size: int, channels: int) -> np.ndarray:
    """Read one image, the first of several in a file, upright, as (channels, size, size) uint8.

    Raises InputError, naming the file, if it is missing, damaged, of another kind, or of more pixels than
    `PIL.Image.MAX_IMAGE_PIXELS`.
    """
    look(path, "an image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # of odd metadata
            with Image.open(path, formats=KINDS) as image:
                pixels = ImageOps.exif_transpose(_eight_bits(image)).convert(MODES[channels])
        if pixels.size != (size, size):
            pixels = pixels.resize((size, size), Image.Resampling.BILINEAR)
    except UnidentifiedImageError:
        raise InputError(f"{path}: expected an image ({', '.join(KINDS)}), got other bytes") from None
    except Exception as error:  # one guard for all foreign bytes: Pillow raises struct.error, KeyError and more
        raise InputError(f"{path}: expected an image, got: {one_line(error)}") from None
    return np.asarray(pixels, dtype=np.uint8).reshape(size, size, channels).transpose(2, 0, 1)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow would cut it off at 255. Raises ValueError for what has no fixed range."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode}, which have no fixed range; save them with 8 or 16 bits")
    return image


DATA_SETS: dict[str, Callable[[Data, Path, int, int], Prepared]] = {"folder": folder}
