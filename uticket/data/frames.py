"""Recordings of events as frames: bins of time, two polarities, as many pixels as the network is to see."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.config.training import Data
from uticket.data.aedat import Events
from uticket.data.recordings import tonic

POLARITIES = 2
MOST_EVENTS = 255  # of a pixel in a bin; more are not counted


@dataclass(frozen=True)
class Framing:
    """How recordings become frames. sensor: (height, width) of the camera. Raises InputError if it is too small."""

    settings: Data
    sensor: tuple[int, int]
    bins: int

    def __post_init__(self) -> None:
        if self.settings.size > min(self.sensor):
            expected = f"at most {min(self.sensor)}, the side of the camera's image"
            raise InputError(f"data.size: expected {expected}, got {self.settings.size}")

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(bins, polarities, height, width)."""
        return self.bins, POLARITIES, self.settings.size, self.settings.size

    def frames_of(self, events: Events) -> NDArray[np.uint8]:
        """Return the frames of events in the order of their time, shape (bins, 2, size, size).

        Bins are equal lengths of time from the first event to the last, in whole microseconds, as those of tonic: the
        last event, and what is left of the time, are dropped. Pixels are joined with their neighbours, and their events
        are added up. A value is the number of events, 255 at most, or 1 if there is any (`data.frames`).
        Raises ValueError if an event lies beside the sensor, or the recording is too short.
        """
        (height, width), size = self.sensor, self.settings.size
        x, y, t = (events[name] for name in "xyt")
        if min(x.min(), y.min()) < 0 or x.max() >= width or y.max() >= height:
            got = f"x {x.min()} to {x.max()} and y {y.min()} to {y.max()}"
            raise ValueError(
                f"expected events on a sensor of {height} x {width} pixels (of your own: data.sensor), got {got}"
            )
        if t[-1] - t[0] < self.bins:
            raise ValueError(f"expected events over at least {self.bins} microseconds, got {t[-1] - t[0]}")
        near = events.copy()
        near["x"], near["y"] = x * size // width, y * size // height
        frames = tonic("transforms").ToFrame((size, size, POLARITIES), n_time_bins=self.bins)(near)
        most = 1 if self.settings.frames == "binary" else MOST_EVENTS
        compact: NDArray[np.uint8] = np.minimum(frames, most).astype(np.uint8)
        return compact
