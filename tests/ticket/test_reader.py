"""Weights as other tools write them: what is a layer, what is its mask."""

import numpy as np
import pytest
import torch
from torch.nn.utils.prune import l1_unstructured

from tests.helpers import write_foreign
from uticket.base.errors import InputError
from uticket.ticket.ticket import Ticket


def test_weights_pruned_by_torch_are_read_as_pruned(tmp_path):
    conv = torch.nn.Conv2d(3, 4, 3)
    l1_unstructured(conv, "weight", 0.75)
    torch.save(conv.state_dict(), tmp_path / "pruned.pth")
    ticket = Ticket.read(tmp_path / "pruned.pth")
    assert [layer.name for layer in ticket.on_pes] == ["weight"]
    assert np.array_equal(ticket.weights["weight"], conv.weight.detach().numpy())
    assert np.count_nonzero(ticket.mask["weight"]) == 27


def test_pruned_weight_whose_mask_has_another_shape_is_an_error(tmp_path):
    arrays = {"conv.weight_orig": np.ones((2, 2, 1, 1)), "conv.weight_mask": np.ones((2, 2, 3, 3))}
    path = write_foreign(tmp_path / "w.npz", arrays)
    with pytest.raises(InputError) as error:
        Ticket.read(path)
    assert str(error.value) == f"{path}: expected a mask of 'conv.weight' of shape (2, 2, 1, 1), got (2, 2, 3, 3)"
