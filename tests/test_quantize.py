import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file

from tests.test_cycles import LAYER, mask_of
from uticket.base.errors import InputError
from uticket.config.paths import TicketFiles
from uticket.hardware.held import HeldTicket
from uticket.ticket.layer import write_layers
from uticket.ticket.mask import Mask
from uticket.ticket.quantize import quantize, stored_mask

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


def test_stored_mask_is_the_mask_unless_weights_are_rounded():
    mask = Mask({"a": np.array([[1, 1, 0]])})
    weights = {"a": np.array([[7.0, 0.1, 0.0]])}
    assert stored_mask(mask, weights, None, "plain") is mask
    assert stored_mask(mask, weights, 4, "plain")["a"].tolist() == [[True, False, False]]
    assert np.array_equal(stored_mask(mask, weights, 4, "keep_mask")["a"], mask["a"])


def test_held_ticket_has_the_layers_on_the_pes_only(tmp_path):
    files = TicketFiles(tmp_path)
    write_layers(files.layers, [LAYER.model_copy(update={"name": "conv1", "reads": "image"}), LAYER], timesteps=2)
    Mask({"conv1": mask_of(1), "conv2": mask_of(3, 1)}).save(files.mask)
    weights = {"conv1.weight": np.ones((4, 2, 3, 3)), "conv2.weight": np.linspace(0.01, 1, 72).reshape(4, 2, 3, 3)}
    save_file(weights, files.weights)
    ticket = HeldTicket(files)
    assert [layer.name for layer in ticket.layers] == ["conv2"]
    assert ticket.timesteps == 2
    assert list(ticket.mask) == ["conv2"]
    assert ticket.stored(None, "plain").num_kept == 4
    assert ticket.stored(4, "plain").num_kept == 3  # the first weight is the smallest
    assert ticket.stored(4, "keep_mask").num_kept == 4
    files.weights.unlink()
    assert HeldTicket(files).stored(None, "plain").num_kept == 4
    with pytest.raises(ValueError, match="weights.safetensors: expected a safetensors file"):
        HeldTicket(files).stored(8, "plain")


def test_held_ticket_names_what_does_not_fit_its_layers(tmp_path):
    files = TicketFiles(tmp_path)
    write_layers(files.layers, [LAYER], timesteps=2)
    Mask({"conv2": np.ones((4, 2, 3, 2))}).save(files.mask)
    with pytest.raises(
        InputError, match=r"mask.safetensors: expected the layer 'conv2' of shape \(4, 2, 3, 3\), came \(4, "
    ):
        _ = HeldTicket(files).mask
    save_file({"conv2.weight": np.ones((4, 2, 9))}, files.weights)
    with pytest.raises(InputError, match=r"weights.safetensors: expected the layer 'conv2' of shape \(4, 2, 3, 3\)"):
        _ = HeldTicket(files).weights
    save_file({"conv2.weight": np.full((4, 2, 3, 3), np.nan)}, files.weights)
    with pytest.raises(
        InputError, match="weights.safetensors: expected finite weights in 'conv2', came NaN or infinity"
    ):
        _ = HeldTicket(files).weights
    write_layers(files.layers, [LAYER.model_copy(update={"reads": "image"})], timesteps=2)
    with pytest.raises(InputError, match=r"layers.json: expected a convolution that reads spikes, came none"):
        _ = HeldTicket(files).layers
