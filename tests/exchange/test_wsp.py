import numpy as np
import pytest

from tests.helpers import LAYER, mask_of
from uticket.base.errors import InputError
from uticket.config.array import Array
from uticket.exchange.wsp import from_wsp, to_wsp
from uticket.hardware.storage import unpack
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

MASKS = Mask({"conv2": mask_of(5, 1, 2, 0), "conv3": mask_of(3, 3, 3, 3)})
LAYERS = (LAYER, LAYER.model_copy(update={"name": "conv3"}))
WEIGHTS = {name: np.random.default_rng(1).normal(size=(4, 2, 3, 3)) for name in MASKS}


@pytest.mark.parametrize("array", [Array(pes=2), Array(pes=2, weight_bits=4), Array(pes=3, dataflow="input-channels")])
def test_streams_unpack_to_the_rounded_weights(array):
    arrays = to_wsp(Ticket(LAYERS, MASKS, WEIGHTS), array)
    for name, kept in MASKS.items():
        levels, step = unpack(from_wsp(arrays, name)), float(arrays[f"{name}.step"])
        bits = array.weight_bits or 16
        assert np.abs(levels).max() == 2 ** (bits - 1) - 1
        assert np.abs(levels * step - WEIGHTS[name] * kept).max() <= step / 2 * (1 + 1e-6)
        assert not levels[~kept].any()


def test_weights_take_16_bits_unless_the_array_has_fewer():
    ticket = Ticket(LAYERS, MASKS, WEIGHTS)
    one, other = to_wsp(ticket, Array(pes=2)), to_wsp(ticket, Array(pes=2, weight_bits=16))
    assert list(one) == list(other)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_filters_are_put_on_the_pes_by_what_is_stored():
    weights = {name: np.where(MASKS[name], 1.0, 0.0) for name in MASKS}
    weights["conv2"][0].flat[:4] = 0.01  # of the five weights of filter 0, four round to zero
    array = Array(pes=1, mapping="sorted", weight_bits=4)
    arrays = to_wsp(Ticket(LAYERS, MASKS, weights), array)
    assert arrays["conv2.unit"].tolist() == [2, 0, 1, 3]
    assert np.diff(arrays["conv2.begin"]).tolist() == [2, 1, 1, 0]
    kept = to_wsp(Ticket(LAYERS, MASKS, weights), array.model_copy(update={"quantizer": "keep_mask"}))
    assert kept["conv2.unit"].tolist() == [0, 2, 1, 3]
    assert np.diff(kept["conv2.begin"]).tolist() == [5, 2, 1, 0]


def test_ticket_without_weights_cannot_be_exported():
    with pytest.raises(InputError, match="weight_bits: expected weights to round, got 0/1 masks"):
        to_wsp(Ticket(LAYERS, MASKS), Array())
