import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.helpers import settings
from tests.data.recorded import drawn
from uticket.base.errors import InputError
from uticket.data.aedat import Events, events_of
from uticket.data.frames import Framing


def framing(size: int = 8, sensor: tuple[int, int] = (8, 8), bins: int = 4, frames: str = "counts") -> Framing:
    return Framing(settings("events_folder", size=size, frames=frames), sensor, bins)


def event_by_event(events: Events, of: Framing) -> np.ndarray:
    """The slow, obvious version."""
    frames = np.zeros(of.shape, dtype=np.int64)
    first = int(events["t"][0])
    length = (int(events["t"][-1]) - first) // of.bins
    for t, x, y, p in events.tolist():
        if t < first + of.bins * length:
            row, column = y * of.shape[2] // of.sensor[0], x * of.shape[3] // of.sensor[1]
            frames[(t - first) // length, p, row, column] += 1
    return frames


def test_events_by_hand():
    events = events_of([10, 11, 11, 14, 15, 18], [0, 1, 1, 7, 0, 0], [0, 2, 2, 7, 7, 0], [1, 0, 0, 1, 1, 1])
    counts = framing(bins=2).frames_of(events)
    expected = np.zeros((2, 2, 8, 8), np.uint8)
    expected[0, 1, 0, 0], expected[0, 0, 2, 1], expected[1, 1, 7, 7], expected[1, 1, 7, 0] = 1, 2, 1, 1
    assert np.array_equal(counts, expected)  # without the last event, at the end of the time
    assert np.array_equal(framing(bins=2, frames="binary").frames_of(events), expected > 0)


@given(
    seed=st.integers(0, 1000),
    count=st.integers(2, 60),
    bins=st.integers(1, 6),
    size=st.integers(1, 8),
    sensor=st.tuples(st.integers(8, 13), st.integers(8, 13)),
)
def test_frames_are_those_of_each_event_alone(seed, count, bins, size, sensor):
    events = drawn(count, side=8, seed=seed)
    of = framing(size, sensor, bins)
    if events["t"][-1] - events["t"][0] < bins:
        return
    expected = event_by_event(events, of)
    assert np.array_equal(of.frames_of(events), expected)
    binary = framing(size, sensor, bins, "binary").frames_of(events)
    assert binary.dtype == np.uint8
    assert np.array_equal(binary, expected > 0)


def test_more_than_255_events_of_a_pixel_are_255():
    events = events_of(np.arange(1001), np.zeros(1001), np.zeros(1001), np.ones(1001))
    assert framing(bins=2).frames_of(events)[:, 1, 0, 0].tolist() == [255, 255]
    assert framing(bins=5).frames_of(events)[:, 1, 0, 0].tolist() == [200] * 5


def test_pixels_beside_the_sensor_short_recordings_and_large_frames_are_an_error():
    with pytest.raises(
        ValueError, match=r"expected events on a sensor of 8 x 4 pixels \(of your own: data.sensor\), got x 0 to 7"
    ):
        framing(size=4, sensor=(8, 4)).frames_of(drawn())
    with pytest.raises(ValueError, match="expected events over at least 4 microseconds, got 3"):
        framing().frames_of(drawn(duration=4))
    with pytest.raises(InputError, match="data.size: expected at most 6, the side of the camera's image, got 8"):
        framing(sensor=(6, 9))
