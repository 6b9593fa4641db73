"""One training step of a network, as the benchmarks time it."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from uticket.config.training import Model
from uticket.engine.choose import choose_layout
from uticket.networks.network import SpikingNetwork, weight_layers
from uticket.networks.shapes import describe_layers
from uticket.training.loss import per_step_loss


def settings(name: str) -> Model:
    """The neurons of params.yaml."""
    return Model(name=name, width=1.0, timesteps=4, leak=0.25, spike_threshold=1.0, surrogate_alpha=2.0)


def by_spikes(network: SpikingNetwork, image_shape: Sequence[int]) -> SpikingNetwork:
    """Let a dense network run as `train.sparse: auto` does on a CPU."""
    layers = weight_layers(network)
    convolutions = {name: layer for name, layer in layers.items() if isinstance(layer, nn.Conv2d)}
    masks = {name: np.ones(tuple(layer.weight.shape), bool) for name, layer in layers.items()}
    positions = {layer.name: layer.positions for layer in describe_layers(network, tuple(image_shape))}
    network.layout = choose_layout(convolutions, masks, positions)
    return network


def stepper(
    network: nn.Module, images: Tensor, labels: Tensor, steps: int = 1, bfloat16: bool = False
) -> Callable[[], None]:
    """Return a function that takes `steps` training steps and waits until they are done."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, fused=True)

    def run() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            with torch.autocast(images.device.type, torch.bfloat16, enabled=bfloat16):
                outputs = network(images).float()
            per_step_loss(outputs, labels).backward()
            optimizer.step()
        if images.is_cuda:
            torch.cuda.synchronize()

    return run
