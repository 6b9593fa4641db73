"""The VGG networks: convolutions in a row, with pooling between."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, cast

from torch import Tensor, nn

from uticket.config.training import Model
from uticket.engine.lif import LIF
from uticket.networks.network import SpikingNetwork, lif, scaled

Pool = Literal["M"]
POOL: Pool = "M"
Plan = Sequence[int | Pool]  # of each step the number of filters of a convolution at width 1, or POOL
VGG7: Plan = [32, 32, POOL, 64, 64, POOL, 128, 128]
VGG16: Plan = [64, 64, POOL, 128, 128, POOL, 256, 256, 256, POOL, 512, 512, 512, POOL, 512, 512, 512, POOL]


@dataclass(frozen=True)
class Unit:
    """The names of a convolution, of its batch norm and of its neurons.

    Names, since the modules may be replaced: training on several GPUs puts a synchronized batch norm in their place.
    """

    conv: str
    norm: str
    lif: str


class VGG(SpikingNetwork):
    """3x3 convolutions, each with batch norm and LIF, max pooling between, then the mean over positions and `fc`.

    Layers: conv1, conv2, ..., fc. Pooling rounds sizes up, so that any image size works.
    """

    def __init__(self, plan: Plan, settings: Model, channels: int, num_classes: int) -> None:
        """channels: of the images."""
        super().__init__(settings)
        self.steps: list[Unit | Pool] = []
        number = 0
        for step in plan:
            if step == POOL:
                self.steps.append(POOL)
                continue
            number, filters = number + 1, scaled(step, settings)
            unit = Unit(f"conv{number}", f"norm{number}", f"lif{number}")
            self.add_module(unit.conv, nn.Conv2d(channels, filters, 3, padding=1, bias=False))
            self.add_module(unit.norm, nn.BatchNorm2d(filters))
            self.add_module(unit.lif, lif(settings))
            self.steps.append(unit)
            channels = filters
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, channels, height, width), or frames with bins before channels. Returns (T, B, classes)."""
        layout, timesteps = self.layout, self.timesteps
        x = images
        for step in self.steps:
            if step == POOL:
                x = layout.pool(x)
                continue
            conv, norm, neurons = self._modules_of(step)
            if step.conv == self.encoder:
                x = self.encoded(x, conv, norm, neurons)
            else:
                x = layout.norm_fire(norm, neurons, layout.conv(conv, x), timesteps)
        return self.by_timestep(self.fc(layout.features(x)))

    def _modules_of(self, unit: Unit) -> tuple[nn.Conv2d, nn.BatchNorm2d, LIF]:
        conv, norm, neurons = (self.get_submodule(name) for name in (unit.conv, unit.norm, unit.lif))
        return cast(nn.Conv2d, conv), cast(nn.BatchNorm2d, norm), cast(LIF, neurons)


NETWORKS = {"vgg7": partial(VGG, VGG7), "vgg16": partial(VGG, VGG16)}
