import numpy as np
import pytest
import torch

from tests.training.helpers import drawn_mask, fresh
from uticket.networks.network import weight_layers
from uticket.ticket.mask import Mask
from uticket.training.masking import MaskedWeights


def test_pruned_weights_and_their_gradients_are_zero(small):
    network = fresh(small)
    mask = drawn_mask(network).replace({"fc": np.ones((2, 16))})
    masked = MaskedWeights(network, mask)
    assert masked.network is network
    assert len(masked.masks) == len(mask) - 1  # a layer that keeps everything needs none
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    masked.zero_gradients()
    for name, layer in weight_layers(network).items():
        kept = torch.from_numpy(mask[name].copy())
        assert (layer.weight[~kept] == 0).all()
        assert torch.equal(layer.weight.grad, kept.float())


def test_mask_must_cover_the_network(small):
    network = fresh(small)
    mask = drawn_mask(network)
    with pytest.raises(ValueError, match="got a difference in 'fc'"):
        MaskedWeights(network, Mask({name: values for name, values in mask.items() if name != "fc"}))
    with pytest.raises(ValueError, match=r"expected layer 'fc' of shape \(2, 16\), got \(2, 3\)"):
        MaskedWeights(network, mask.replace({"fc": np.ones((2, 3))}))
