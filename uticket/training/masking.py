"""A mask on a network: pruned weights are zero and stay zero while it is trained."""

import torch
from torch import Tensor

from uticket.capturing.axes import mask_shape
from uticket.networks.network import SpikingNetwork, weight_layers
from uticket.ticket.mask import Mask


class MaskedWeights:
    """The weights of a network that a mask holds at zero.

    A pruned weight starts at zero and its gradient is set to zero in each step, so that momentum and weight decay have
    nothing to add to it. Layers of which the mask keeps everything cost nothing.
    network, mask: as given. masks: of the layers that lack weights, on the network's device. Raises ValueError, naming
    the layer, if the mask does not cover the network.
    """

    def __init__(self, network: SpikingNetwork, mask: Mask) -> None:
        layers = weight_layers(network)
        if set(layers) != set(mask):
            odd = sorted(set(layers) ^ set(mask))[0]
            raise ValueError(f"mask: expected the layers of the network, got a difference in {odd!r}")
        self.network, self.mask = network, mask
        self._weights: list[Tensor] = []
        self.masks: list[Tensor] = []
        for name, layer in layers.items():
            if mask[name].shape != mask_shape(layer):
                shapes = f"{mask_shape(layer)}, got {mask[name].shape}"
                raise ValueError(f"mask: expected layer {name!r} of shape {shapes}")
            if not mask[name].all():
                self._weights.append(layer.weight)
                values = torch.from_numpy(mask[name].copy()).reshape(layer.weight.shape)
                self.masks.append(torch.empty_like(layer.weight, requires_grad=False).copy_(values))
        self.zero_weights()

    @torch.no_grad()
    def zero_weights(self) -> None:
        """Set the pruned weights to zero."""
        if self._weights:
            torch._foreach_mul_(self._weights, self.masks)

    @torch.no_grad()
    def zero_gradients(self) -> None:
        """Set the gradients of the pruned weights to zero; call it between backward and the optimizer's step."""
        pairs = [(w.grad, mask) for w, mask in zip(self._weights, self.masks, strict=True) if w.grad is not None]
        if pairs:
            gradients, masks = map(list, zip(*pairs, strict=True))
            torch._foreach_mul_(gradients, masks)
