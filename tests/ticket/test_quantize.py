import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from uticket.ticket.quantize import QUANTIZERS, quantize, stored

values = hnp.arrays(np.float32, (3, 5), elements=st.floats(-10, 10, width=32))


def test_weights_are_rounded_to_steps_of_the_largest_magnitude():
    weights = np.array([[-7.0, 3.4, 0.6, 0.4, -0.4, 9.9]])
    kept = np.array([[True, True, True, True, True, False]])
    levels, step = quantize(weights, kept, bits=4)
    assert (levels.tolist(), step) == ([[-7, 3, 1, 0, 0, 0]], 1.0)
    levels, _ = quantize(weights, kept, bits=4, quantizer="keep_mask")
    assert levels.tolist() == [[-7, 3, 1, 1, -1, 0]]


def test_layer_without_weights_stays_without():
    levels, step = quantize(np.ones((2, 2)), np.zeros((2, 2), dtype=bool), bits=8, quantizer="keep_mask")
    assert not levels.any()
    assert step == 1.0


@settings(max_examples=300)
@given(weights=values, kept=hnp.arrays(bool, (3, 5)), bits=st.integers(2, 16))
def test_levels_fit_the_bits_and_errors_are_within_half_a_step(weights, kept, bits):
    levels, step = quantize(weights, kept, bits)
    assert np.abs(levels).max() <= 2 ** (bits - 1) - 1
    assert not levels[~kept].any()
    assert np.abs(levels * step - weights)[kept].max(initial=0.0) <= step / 2 * (1 + 1e-6)
    whole, same_step = quantize(weights, kept, bits, "keep_mask")
    assert step == same_step
    assert np.array_equal(whole != 0, kept)
    moved = whole != levels
    assert not levels[moved].any()
    assert (np.abs(whole[moved]) == 1).all()
    assert (weights[moved] * whole[moved] >= 0).all()


def test_a_chip_stores_what_is_kept_and_not_rounded_to_zero():
    weights, kept = np.array([[7.0, 0.1, 0.0]]), np.array([[True, True, False]])
    assert stored(weights, kept, 4).tolist() == [[True, False, False]]
    assert np.array_equal(stored(weights, kept, 4, "keep_mask"), kept)
    assert QUANTIZERS == ("plain", "keep_mask")
