"""What the layers of a network of one's own read: the image, spikes, numbers of spikes, or anything else."""

from collections.abc import Sequence

import torch
from torch import Tensor

from uticket.networks.arriving import arriving
from uticket.networks.network import SpikingNetwork
from uticket.ticket.layer import Layer, Reads
from uticket.training.batches import Images
from uticket.training.evaluate import TEST_BATCH

MOST_COUNTS = 255  # spikes that arrive at a place in a timestep, as a file holds them
KINDS: tuple[Reads, ...] = ("spikes", "counts", "image", "analog")  # each is also what the ones before it are


@torch.no_grad()
def with_reads(network: SpikingNetwork, layers: Sequence[Layer], images: Images) -> list[Layer]:
    """Return the layers with what arrives at them over all `images`."""
    found: dict[str, Reads] = {layer.name: "spikes" for layer in layers}
    network.eval()
    for batch, _ in images.in_order(TEST_BATCH):

        def see(name: str, values: Tensor, batch: Tensor = batch) -> None:
            found[name] = max(found[name], reads_of(values, batch, network.timesteps), key=KINDS.index)

        with arriving(network, see):
            network(batch)
    return [layer.model_copy(update={"reads": found[layer.name]}) for layer in layers]


def reads_of(values: Tensor, images: Tensor, timesteps: int) -> Reads:
    """Return what a layer reads in one forward pass. values: by timestep. images: what the network got."""
    if len(values) == timesteps and bool((values == (values != 0)).all()):
        return "spikes"
    if len(values) == timesteps and bool(((values == values.round()) & (values >= 0) & (values <= MOST_COUNTS)).all()):
        return "counts"
    same = values[0].numel() == images.numel() and bool((values == values[0]).all())
    return "image" if same and torch.equal(values[0].flatten(), images.flatten()) else "analog"
