"""What arrives at a layer, packed as it arrives, is what arrived."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from uticket.capturing.arrivals import Arrivals, common_unit

calls = st.lists(hnp.arrays(np.uint8, (2, 11), elements=st.integers(0, 5)), min_size=1, max_size=5)
factors = st.sampled_from([1.0, 0.5, 0.25, 1 / 9, 1 / 49, 0.3])


def seen(calls: list[np.ndarray]) -> Arrivals:
    arrivals = Arrivals()
    for values in calls:
        arrivals.see(torch.from_numpy(values.astype(np.float32)), len(values))
    return arrivals


def rows(arrivals: Arrivals, size: int) -> np.ndarray:
    packed = arrivals.packed()
    return np.unpackbits(packed, axis=1, count=size) if arrivals.binary else packed


@settings(max_examples=150, deadline=None)
@given(calls, factors, st.integers(1, 5))
def test_counts_times_their_factor_are_what_arrived(calls, factor, most):
    """Calls of spikes, counts and zeros in any order, as averages of pooling or whole."""
    values = [np.minimum(one, most) * np.float32(factor) for one in calls]
    arrivals, whole = seen(values), np.concatenate(values)
    assert not arrivals.analog
    counts = rows(arrivals, 11)
    assert np.allclose(counts * (arrivals.factor or 1.0), whole, atol=1e-5)
    assert arrivals.binary == (counts.max() <= 1)
    assert np.array_equal(arrivals.nonzeros(), (whole != 0).sum(axis=0))


@settings(max_examples=100, deadline=None)
@given(calls, st.integers(0, 5))
def test_of_analog_inputs_the_nonzeros_are_counted(calls, place):
    """Wherever the analog call comes: before it may be spikes or counts, after it anything."""
    calls = [one.astype(np.float32) for one in calls]
    calls.insert(min(place, len(calls)), np.linspace(-1, 1, 22, dtype=np.float32).reshape(2, 11) ** 3)
    arrivals = seen(calls)
    assert arrivals.analog
    assert arrivals.factor is None
    assert np.array_equal(arrivals.nonzeros(), (np.concatenate(calls) != 0).sum(axis=0))


def test_eight_spikes_take_a_byte_and_a_count_takes_one():
    spikes = np.eye(16)
    assert seen([spikes, spikes]).packed().nbytes == 2 * 16 * 2
    assert seen([spikes, 2 * spikes]).packed().nbytes == 2 * 16 * 16


@pytest.mark.parametrize(
    ("values", "unit", "most", "expected"),
    [
        ([1, 1], None, 0, 1.0),
        ([2, 4], None, 0, 1.0),  # whole numbers are counts, whatever they have in common
        ([0.5, 0.75], None, 0, 0.25),
        ([0.5], None, 0, 0.5),
        ([0.5], 1.0, 3, 0.5),
        ([1 / 3], 0.5, 2, 1 / 6),
        ([0.1], 1.0, 26, None),  # 26 would become 260
        ([0.1], 1.0, 25, 0.1),
        ([256], None, 0, 256.0),
        ([256, 1], None, 0, None),
        ([0.37, 0.9173], None, 0, None),
        ([-1, 1], None, 0, None),
        ([float("inf")], None, 0, None),
        ([float("nan")], None, 0, None),
        ([], 0.5, 1, 0.5),
    ],
)
def test_the_unit_is_the_largest_that_counts_everything(values, unit, most, expected):
    found = common_unit(torch.tensor(values, dtype=torch.float32), unit, most)
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-5))


def test_silence_comes_before_spikes_of_any_factor():
    arrivals = seen([np.zeros((2, 3)), np.eye(2, 3) / 2])
    assert (arrivals.binary, arrivals.factor) == (True, 0.5)


def test_one_odd_value_among_thousands_is_seen():
    values = np.ones((3, 1000))
    values[2, 999] = 0.3779
    assert seen([values]).analog
    assert not seen([np.ones((3, 1000))]).analog


def test_booleans_integers_and_half_precision_arrive_too():
    for kind in (torch.bool, torch.int64, torch.float16, torch.bfloat16, torch.float64):
        arrivals = Arrivals()
        arrivals.see(torch.eye(3).to(kind), 3)
        assert arrivals.binary
        assert np.array_equal(rows(arrivals, 3), np.eye(3))
