"""Data sets of event cameras in folders of classes: N-MNIST, CIFAR10-DVS, and recordings of one's own.

The classes of tonic for N-MNIST and CIFAR10-DVS want the archives beside thousands of files, and download what they
miss. The files are read here as they lie in the folders, by tonic's readers and our own (`uticket.data.recordings`).
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from uticket.base.errors import InputError
from uticket.base.progress import bar, log
from uticket.config.training import Data
from uticket.data.aedat import DVS128, Events, events_of
from uticket.data.folder import files_of_classes, from_folder
from uticket.data.frames import Framing
from uticket.data.prepared import ImageSet, Prepared
from uticket.data.recordings import READERS, read_recording, tonic


def nmnist(settings: Data, downloads: Path, seed: int, timesteps: int) -> Prepared:
    """N-MNIST: 60,000 and 10,000 digits that move before a camera of 34 x 34 pixels."""
    root = downloads / "NMNIST"
    what = "Train/0/*.bin to Test/9/*.bin", "Train.zip and Test.zip", "https://www.garrickorchard.com/datasets/n-mnist"
    classes = [str(digit) for digit in range(10)]
    check_folders(root, [f"{part}/{name}" for part in ("Train", "Test") for name in classes], *what)
    framing = Framing(settings, tonic("datasets").NMNIST.sensor_size[1::-1], timesteps)
    found = from_folder(root, settings, seed, lambda part: read_classes(part, framing), ("Train", "Test"))
    return Prepared("nmnist", *found)


def cifar10dvs(settings: Data, downloads: Path, seed: int, timesteps: int) -> Prepared:
    """CIFAR10-DVS: 10,000 images that move before a DVS128, a share of each class held out for testing."""
    root, source = downloads / "CIFAR10DVS", tonic("datasets").CIFAR10DVS
    what = "airplane/*.aedat to truck/*.aedat", "airplane.zip to truck.zip"
    check_folders(root, source.classes, *what, "https://figshare.com/articles/dataset/4724671")
    framing = Framing(settings, source.sensor_size[1::-1], timesteps)
    return Prepared("cifar10dvs", *from_folder(root, settings, seed, lambda part: read_classes(part, framing, upright)))


def events_folder(settings: Data, downloads: Path, seed: int, timesteps: int) -> Prepared:
    """Recordings of one's own in `data.path`; without train/ and test/ a share of every class is held out."""
    root, framing = Path(settings.path), Framing(settings, settings.sensor, timesteps)
    return Prepared(root.name, *from_folder(root, settings, seed, lambda part: read_classes(part, framing)))


def check_folders(root: Path, folders: Iterable[Path | str], holds: str, archives: str, page: str) -> None:
    """Raise InputError, which says what to unpack where, if one of the folders below `root` is missing."""
    missing = next((root / folder for folder in folders if not (root / folder).is_dir()), None)
    if missing is not None:
        raise InputError(f"{missing}: expected a folder of {holds}, got none; unpack {archives} of {page} into {root}")


def read_classes(
    root: Path, framing: Framing, read: Callable[[Path], Events] = read_recording
) -> tuple[tuple[str, ...], ImageSet]:
    """Read all recordings under `root`/CLASS/; return the classes, sorted by name, and the frames.

    Raises InputError, naming the file or folder, if there are no classes, a class is empty or a recording is damaged.
    """
    classes, paths, labels = files_of_classes(root, READERS, "recordings")
    frames = np.empty((len(paths), *framing.shape), dtype=np.uint8)
    log.info("reading %d recordings from %s", len(paths), root)
    for index, path in enumerate(bar(paths, f"reading {root}", "recording")):
        try:
            frames[index] = framing.frames_of(read(path))
        except InputError:
            raise
        except ValueError as error:
            raise InputError(f"{path}: {error}") from None
    return classes, ImageSet(frames, labels)


def upright(path: Path) -> Events:
    """Read a recording of CIFAR10-DVS; in its AEDAT 2.0 files the images lie on their side."""
    events = read_recording(path)
    if path.suffix != ".aedat":
        return events
    return events_of(events["t"], DVS128 - 1 - events["y"], events["x"], events["p"])


DATA_SETS: dict[str, Callable[[Data, Path, int, int], Prepared]] = {
    "nmnist": nmnist,
    "cifar10dvs": cifar10dvs,
    "events_folder": events_folder,
}
