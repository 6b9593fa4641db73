"""DVS128 Gesture: hands and arms before a DVS128, in long recordings with a table of what was done when.

tonic's class reads recordings that were cut by others; here they are cut from the files as they were published.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError, one_line
from uticket.base.files import read_text
from uticket.base.progress import bar
from uticket.config.training import Data
from uticket.data.aedat import DVS128
from uticket.data.frames import Framing
from uticket.data.prepared import ImageSet, Prepared
from uticket.data.recordings import read_recording, tonic

PAGE = "https://research.ibm.com/interactive/dvsgesture"


def dvs128gesture(settings: Data, downloads: Path, seed: int, timesteps: int) -> Prepared:
    """Eleven gestures: 1,176 for training and 288 for testing, by other people."""
    root, framing = downloads / "DvsGesture", Framing(settings, (DVS128, DVS128), timesteps)
    classes = tuple(tonic("datasets").DVSGesture.classes)
    parts = (read_trials(root, f"trials_to_{part}.txt", framing, len(classes)) for part in ("train", "test"))
    return Prepared("dvs128gesture", classes, *parts)


def read_trials(root: Path, name: str, framing: Framing, num_classes: int) -> ImageSet:
    """Read the gestures of the recordings that the file `name` lists, one a line.

    Raises InputError, which names the file, or says what to unpack where, if one is missing or damaged.
    """
    try:
        trials = read_text(root / name, "the list of recordings").split()
    except InputError as error:
        raise InputError(f"{error}; unpack DvsGesture.tar.gz of {PAGE} into {root.parent}") from None
    frames: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    odd = next((trial for trial in trials if Path(trial).name != trial), None)
    if odd is not None:
        raise InputError(f"{root / name}: expected names of files beside it, got {odd!r}")
    for trial in bar(trials, f"reading {root}", "recording"):
        for label, found in gestures_of(root / trial, framing, num_classes):
            frames.append(found)
            labels.append(label)
    shape = (len(frames), *framing.shape)
    return ImageSet(np.array(frames, dtype=np.uint8).reshape(shape), np.array(labels, dtype=np.int64))


def gestures_of(path: Path, framing: Framing, num_classes: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield label and frames of each gesture of a recording; its table numbers the classes from 1."""
    events, table = read_recording(path), path.with_name(f"{path.stem}_labels.csv")
    try:
        rows = np.loadtxt(io.StringIO(read_text(table, "a table")), dtype=np.int64, delimiter=",", skiprows=1, ndmin=2)
        if rows.shape[1] != 3 or rows[:, 0].min() < 1 or rows[:, 0].max() > num_classes:
            raise ValueError(f"{rows[:5].tolist()}")
    except InputError:
        raise
    except ValueError as error:
        expected = f"class (1 to {num_classes}), start and end in microseconds in each row"
        raise InputError(f"{table}: expected {expected}, got: {one_line(error)}") from None
    for label, start, end in rows.tolist():
        first, last = np.searchsorted(events["t"], (start, end))
        try:
            if first == last:
                raise ValueError("expected events, got none")
            yield label - 1, framing.frames_of(events[first:last])
        except ValueError as error:
            raise InputError(f"{path}: from {start} to {end}: {error}") from None


DATA_SETS: dict[str, Callable[[Data, Path, int, int], Prepared]] = {"dvs128gesture": dvs128gesture}
