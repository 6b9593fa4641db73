"""How a network runs while it is trained: in which layout and precision, compiled or not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from uticket.base.errors import InputError
from uticket.config.training import Train
from uticket.engine.choose import choose_layout
from uticket.engine.layout import BatchFirst, Layout
from uticket.networks.network import SpikingNetwork, weight_layers
from uticket.networks.own import OwnNetwork
from uticket.networks.shapes import describe_layers
from uticket.training.job import Job
from uticket.training.ranks import Ranks

Forward = Callable[[Tensor], Tensor]  # images (B, channels, height, width) -> outputs (T, B, classes)


def forward_of(job: Job, ranks: Ranks) -> Forward:
    """Return how the network of a job runs on a batch, float32 outputs whatever the precision inside.

    Raises InputError if the settings ask for a compiled network on a CPU.
    """
    device, bfloat16 = job.device, in_bfloat16(job.settings, job.device)
    network: Forward = ranks.wrapped(job.network)
    if job.settings.compile:
        if device.type == "cpu":
            expected = "false on a CPU, whose loops are compiled anyway, or a GPU"
            raise InputError(f"train.compile: expected {expected}, got true with the device cpu")
        network = torch.compile(network)

    def forward(batch: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            return network(batch).float()

    return forward


def in_bfloat16(settings: Train, device: torch.device) -> bool:
    """Return whether convolutions run in bfloat16; weights, momenta, membranes and the loss are float32 in any case."""
    return settings.precision == "bf16" or (settings.precision == "auto" and device.type == "cuda")


def fastest_layout(job: Job) -> Layout:
    """Return the layout in which the network trains fastest.

    GPUs stay dense, and so do bfloat16 and networks of one's own that are no `SpikingNetwork`.
    """
    settings, device = job.settings, job.device
    if (
        isinstance(job.network, OwnNetwork)
        or settings.sparse == "off"
        or device.type != "cpu"
        or in_bfloat16(settings, device)
    ):
        return BatchFirst()
    layers = weight_layers(job.network)
    convolutions = {name: layer for name, layer in layers.items() if isinstance(layer, nn.Conv2d)}
    shapes = describe_layers(job.network, job.images.images.shape[1:])
    return choose_layout(convolutions, job.masked.mask, {layer.name: layer.positions for layer in shapes})


@contextmanager
def running_in(network: SpikingNetwork, layout: Layout) -> Iterator[None]:
    """Run a network in another layout for a while."""
    before, network.layout = network.layout, layout
    try:
        yield
    finally:
        network.layout = before
