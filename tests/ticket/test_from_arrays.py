"""Tickets of masks or weights in memory."""

import numpy as np

from tests.helpers import LAYER, layer_of, mask_of
from uticket.ticket.ticket import Ticket


def names(ticket: Ticket) -> list[str]:
    return [layer.name for layer in ticket.on_pes]


def test_convolutions_are_the_4d_arrays_and_linear_layers_the_2d_ones():
    arrays = {"conv": mask_of(1), "fc": np.ones((3, 4)), "bias": np.ones(4), "empty": np.ones((0, 2, 3, 3))}
    assert names(Ticket.from_arrays(arrays)) == ["conv"]
    assert list(Ticket.from_arrays(arrays).mask) == ["conv"]
    ticket = Ticket.from_arrays(arrays, linear=True)
    assert names(ticket) == ["conv", "fc"]
    assert [layer.kind for layer in ticket.layers] == ["conv", "linear"]
    assert [layer.weight_shape for layer in ticket.layers] == [(4, 2, 3, 3), (3, 4)]


def test_nonzero_means_kept():
    values = np.array([[0.0, -0.5], [2.0, 0.0]])[:, :, None, None]
    ticket = Ticket.from_arrays({"conv": values}, timesteps=4)
    assert np.array_equal(ticket.mask["conv"], values != 0)
    assert np.array_equal(ticket.weights["conv"], values)
    assert ticket.timesteps == 4


def test_masks_have_no_weights():
    assert Ticket.from_arrays({"conv": mask_of(1)}).weights is None
    assert Ticket.from_arrays({"conv": mask_of(1).astype(float)}).weights is None
    both = Ticket.from_arrays({"conv": mask_of(1), "other": mask_of(1) * 0.5})
    assert list(both.weights) == ["conv", "other"]


def test_whole_numbers_become_floats_and_floats_stay_as_they_are():
    arrays = {"int8": (mask_of(1) * 3).astype(np.int8), "half": np.full((4, 2, 3, 3), 0.5, np.float16)}
    weights = Ticket.from_arrays(arrays).weights
    assert {name: values.dtype for name, values in weights.items()} == {"int8": np.float32, "half": np.float16}
    assert weights["int8"].max() == 3


def test_shapes_that_are_known_are_taken_by_the_name_of_the_array():
    known = [LAYER, layer_of(name="b.weight", size=(6, 6))]
    arrays = {"conv2.weight": mask_of(1), "b.weight": mask_of(2), "c": mask_of(3)}
    ticket = Ticket.from_arrays(arrays, layers=known)
    assert [(layer.name, layer.positions) for layer in ticket.layers] == [
        ("conv2.weight", 20),
        ("b.weight", 36),
        ("c", 1),
    ]


def test_known_layer_that_reads_the_image_does_not_run():
    known = [LAYER.model_copy(update={"reads": "image"})]
    assert names(Ticket.from_arrays({"conv2": mask_of(1), "conv3": mask_of(1)}, layers=known)) == ["conv3"]
