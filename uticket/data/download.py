"""The public data sets that torchvision knows: fetched once, checksums checked each time they are read.

torchvision is imported inside the functions: it takes 10 s, and the other data sets do not need it.
"""

from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from uticket.base.errors import InputError
from uticket.base.files import look
from uticket.base.progress import bar, log
from uticket.config.training import Data
from uticket.data.prepared import ImageSet, Prepared

PAPER_SIZE = 32  # Fashion-MNIST is resized from 28x28 (the paper's network facts)


def fetch(url: str, path: Path, md5: str) -> None:
    """Make sure that `path` holds the file of `url`: download it if it is missing, and check its checksum.

    Raises InputError, which says what to download and where to put it, or names the damaged file.
    """
    from torchvision.datasets.utils import check_integrity, download_url

    if not path.exists():
        log.info("downloading %s", url)
        part = path.with_name(f"{path.name}.part")  # so that an interrupted download never looks like a whole file
        part.unlink(missing_ok=True)
        try:
            download_url(url, part.parent, part.name, md5)
            part.replace(path)
        except (OSError, RuntimeError, HTTPException) as error:
            how = f"download {url} by hand and put it at {path}"
            raise InputError(f"{path}: expected a download from {url}, got: {error}; {how}") from None
        return
    look(path)
    if not check_integrity(path, md5):
        raise InputError(
            f"{path}: expected the file of {url} with MD5 {md5}, got another: it is damaged; remove it and run again"
        )


def cifar(settings: Data, root: Path, seed: int, timesteps: int) -> Prepared:
    """CIFAR-10 or CIFAR-100: 50,000 and 10,000 colour images of 32x32."""
    from torchvision.datasets import CIFAR10, CIFAR100

    source = {"cifar10": CIFAR10, "cifar100": CIFAR100}[settings.name]
    fetch(source.url, root / source.filename, source.tgz_md5)
    # with download=True torchvision unpacks again whatever fails the checksum of its own list
    train, test = (source(root, train=part, download=True) for part in (True, False))
    return Prepared(settings.name, tuple(train.classes), _from_cifar(train), _from_cifar(test))


def _from_cifar(source: Any) -> ImageSet:
    return ImageSet(source.data.transpose(0, 3, 1, 2), np.array(source.targets, dtype=np.int64))


def fashion_mnist(settings: Data, root: Path, seed: int, timesteps: int) -> Prepared:
    """Fashion-MNIST: 60,000 and 10,000 grey images, resized to 32x32."""
    from torchvision.datasets import FashionMNIST
    from torchvision.datasets.utils import extract_archive

    raw, old = root / "FashionMNIST" / "raw", root / "FashionMNIST" / "processed"
    if old.exists():
        raise InputError(
            f"{old}: expected no such folder, which old torchvision wrote and no checksum covers; remove it"
        )
    for filename, md5 in FashionMNIST.resources:
        fetch(FashionMNIST.mirrors[0] + filename, raw / filename, md5)
        extract_archive(raw / filename, raw)  # each time: what was unpacked has no checksum of its own
    train, test = (_resized(FashionMNIST(root, train=part)) for part in (True, False))
    return Prepared("fashion_mnist", tuple(FashionMNIST.classes), train, test)


def _resized(source: Any) -> ImageSet:
    size = (PAPER_SIZE, PAPER_SIZE)
    images = np.empty((len(source), 1, *size), dtype=np.uint8)
    for index, pixels in enumerate(bar(source.data.numpy(), "resizing", "image")):
        images[index, 0] = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    return ImageSet(images, source.targets.numpy().astype(np.int64))


def svhn(settings: Data, root: Path, seed: int, timesteps: int) -> Prepared:
    """Street view house numbers: 73,257 and 26,032 colour images of 32x32."""
    from torchvision.datasets import SVHN

    sets = []
    for part in ("train", "test"):
        url, filename, md5 = SVHN.split_list[part]
        fetch(url, root / filename, md5)
        source = SVHN(root, split=part)
        sets.append(ImageSet(source.data, source.labels.astype(np.int64)))
    return Prepared("svhn", tuple(str(digit) for digit in range(10)), *sets)


DATA_SETS: dict[str, Callable[[Data, Path, int, int], Prepared]] = {
    "cifar10": cifar,
    "cifar100": cifar,
    "fashion_mnist": fashion_mnist,
    "svhn": svhn,
}
