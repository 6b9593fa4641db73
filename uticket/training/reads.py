"""What the layers of a network of one's own read: the image, spikes, counts, or anything else."""

from collections.abc import Sequence

import torch
from torch import Tensor

from uticket.capturing.arrivals import Counting
from uticket.networks.arriving import arriving
from uticket.networks.network import IMAGES, SpikingNetwork
from uticket.ticket.layer import Layer, Reads
from uticket.training.batches import Images
from uticket.training.evaluate import TEST_BATCH


class _Arrived(Counting):
    """All that has arrived at a layer so far."""

    def __init__(self) -> None:
        super().__init__()
        self._every_step = True
        self._image = True  # what the network got, the same at every timestep

    def see(self, values: Tensor, images: Tensor, timesteps: int) -> None:
        """Add one forward pass. values: by timestep. images: what the network got."""
        self._every_step &= len(values) == timesteps
        self._image = self._image and _is_image(values, images)
        self.count(values)

    @property
    def reads(self) -> Reads:
        """What the layer reads; {0, 1/4} are counts of 1/4."""
        if self._every_step and self.binary and self.factor in (None, 1.0):
            return "spikes"
        if self._image:
            return "image"
        return "counts" if self._every_step and not self.analog else "analog"


@torch.no_grad()
def with_reads(
    network: SpikingNetwork, layers: Sequence[Layer], images: Images
) -> tuple[list[Layer], dict[str, float]]:
    """Return the layers with what arrives at them over all `images`, and layer -> the factor of its counts."""
    found = {layer.name: _Arrived() for layer in layers}
    network.eval()
    for batch, _ in images.in_order(TEST_BATCH):

        def see(name: str, values: Tensor, batch: Tensor = batch) -> None:
            found[name].see(values, batch, network.timesteps)

        with arriving(network, see):
            network(batch)
    factors = {name: arrived.factor for name, arrived in found.items() if arrived.factor is not None}
    return [layer.model_copy(update={"reads": found[layer.name].reads}) for layer in layers], factors


def _is_image(values: Tensor, images: Tensor) -> bool:
    """Return whether still images arrive as they are, in all timesteps."""
    if images.dim() != IMAGES or values[0].numel() != images.numel():
        return False
    return bool((values == values[0]).all()) and torch.equal(values[0].flatten(), images.flatten())
