"""The networks of the benchmarks as other libraries' users write them.

SpikingJelly is among the packages of development, or it is left out.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor, nn

from uticket.config.training import Model
from uticket.networks.vgg import POOL, VGG7, VGG16

PLANS = {"vgg7": VGG7, "vgg16": VGG16}


class PlainVGG(nn.Module):
    """A VGG of another library's layers; the first convolution and its norm see the image once."""

    def __init__(
        self, settings: Model, channels: int, num_classes: int, layers: Any, neuron: Callable[[], Any]
    ) -> None:
        super().__init__()
        self.timesteps = settings.timesteps
        self.layers = nn.ModuleList()
        for step in PLANS[settings.name]:
            if step == POOL:
                self.layers.append(layers.MaxPool2d(2))
                continue
            filters = max(1, round(int(step) * settings.width))
            kinds = nn if len(self.layers) == 0 else layers
            self.layers.append(kinds.Conv2d(channels, filters, 3, padding=1, bias=False))
            self.layers.append(kinds.BatchNorm2d(filters))
            self.layers.append(neuron())
            channels = filters
        self.fc = nn.Linear(channels, num_classes)

    def encoded(self, images: Tensor) -> Tensor:
        """Return the current that drives the first neurons in every timestep."""
        current: Tensor = self.layers[1](self.layers[0](images))
        return current


class SnnTorchLoop(PlainVGG):
    """snnTorch neurons, one timestep after another."""

    def __init__(self, settings: Model, channels: int, num_classes: int) -> None:
        def neuron() -> snntorch.Leaky:
            spike = surrogate.atan(settings.surrogate_alpha)
            return snntorch.Leaky(settings.leak, settings.spike_threshold, spike, reset_mechanism="zero")

        super().__init__(settings, channels, num_classes, nn, neuron)

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, height, width) -> (T, B, classes)."""
        membranes = {layer: layer.init_leaky() for layer in self.layers if isinstance(layer, snntorch.Leaky)}
        first, outputs = self.encoded(images), []
        for _ in range(self.timesteps):
            x = first
            for layer in self.layers[2:]:
                if layer in membranes:
                    x, membranes[layer] = layer(x, membranes[layer])
                else:
                    x = layer(x)
            outputs.append(self.fc(x.mean((2, 3))))
        return torch.stack(outputs)


class SpikingJellyVGG(PlainVGG):
    """SpikingJelly's neurons, one timestep after another (step "s") or layer by layer (step "m")."""

    def __init__(self, settings: Model, channels: int, num_classes: int, step: str, backend: str = "torch") -> None:
        from spikingjelly.activation_based import layer, neuron
        from spikingjelly.activation_based.surrogate import ATan

        def lif() -> nn.Module:
            tau, spike = 1 / (1 - settings.leak), ATan(settings.surrogate_alpha)
            neurons = neuron.LIFNode(tau, True, settings.spike_threshold, 0.0, spike, detach_reset=True, step_mode=step)
            neurons.backend = backend
            return neurons

        super().__init__(settings, channels, num_classes, layer, lif)
        self.step = step
        for module in self.layers[2:]:
            module.step_mode = step

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, height, width) -> (T, B, classes)."""
        from spikingjelly.activation_based.functional import reset_net

        reset_net(self)
        first = self.encoded(images)
        if self.step == "m":
            x = first.expand(self.timesteps, *first.shape)
            for layer in self.layers[2:]:
                x = layer(x)
            by_step: Tensor = self.fc(x.mean((3, 4)))
            return by_step
        outputs = []
        for _ in range(self.timesteps):
            x = first
            for layer in self.layers[2:]:
                x = layer(x)
            outputs.append(self.fc(x.mean((2, 3))))
        return torch.stack(outputs)


def plain_networks(settings: Model, channels: int, num_classes: int, device: torch.device) -> dict[str, nn.Module]:
    """Return the same network by library and way to run it, as far as they are installed."""
    networks: dict[str, nn.Module] = {"snntorch": SnnTorchLoop(settings, channels, num_classes)}
    if find_spec("spikingjelly") is not None:
        steps = [("s", "torch"), ("m", "torch")]
        if device.type == "cuda":
            steps += [("m", backend) for backend in ("triton", "cupy") if find_spec(backend) is not None]
        for step, backend in steps:
            name = f"spikingjelly {'single-step' if step == 's' else 'multi-step'} {backend}"
            networks[name] = SpikingJellyVGG(settings, channels, num_classes, step, backend)
    return {name: network.to(device) for name, network in networks.items()}
