"""The networks of the benchmarks as other libraries' users write them: a loop over the timesteps."""

from collections.abc import Sequence

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor, nn

from uticket.params import Model
from uticket.snn.models import POOL, VGG_STEPS


class SnnTorchVGG(nn.Module):
    """A VGG of snnTorch neurons, one timestep after another; the first convolution sees the image once."""

    def __init__(self, settings: Model, channels: int, num_classes: int) -> None:
        super().__init__()
        self.timesteps = settings.timesteps
        self.layers = nn.ModuleList()
        for step in VGG_STEPS[settings.name]:
            if step == POOL:
                self.layers.append(nn.MaxPool2d(2))
                continue
            filters = max(1, round(int(step) * settings.width))
            self.layers.append(nn.Conv2d(channels, filters, 3, padding=1, bias=False))
            self.layers.append(nn.BatchNorm2d(filters))
            neuron = snntorch.Leaky(
                settings.leak,
                settings.spike_threshold,
                surrogate.atan(settings.surrogate_alpha),
                reset_mechanism="zero",
            )
            self.layers.append(neuron)
            channels = filters
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, height, width) -> (T, B, classes)."""
        membranes = {layer: layer.init_leaky() for layer in self.layers if isinstance(layer, snntorch.Leaky)}
        first = self.layers[1](self.layers[0](images))
        outputs = []
        for _ in range(self.timesteps):
            x = first
            for layer in self.layers[2:]:
                if layer in membranes:
                    x, membranes[layer] = layer(x, membranes[layer])
                else:
                    x = layer(x)
            outputs.append(self.fc(x.mean((2, 3))))
        return torch.stack(outputs)


def plain_network(settings: Model, shape: Sequence[int], num_classes: int) -> dict[str, nn.Module]:
    """Return the network by library."""
    return {"snntorch": SnnTorchVGG(settings, shape[0], num_classes)}
