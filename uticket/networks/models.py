"""The networks: VGG and ResNet-19 with direct encoding, all timesteps folded into the batch."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from uticket.config.params import Model
from uticket.engine.layout import BatchFirst, Layout
from uticket.engine.neuron import LIF

POOL = "M"
VGG_STEPS: dict[str, list[int | str]] = {
    "vgg7": [32, 32, POOL, 64, 64, POOL, 128, 128],
    "vgg16": [64, 64, POOL, 128, 128, POOL, 256, 256, 256, POOL, 512, 512, 512, POOL, 512, 512, 512, POOL],
}
RESNET19_STAGES = [(128, 3), (256, 3), (512, 2)]  # filters, blocks; each stage starts with stride 2


class SpikingNetwork(nn.Module):
    """Base of the networks: images (B, channels, height, width) -> outputs (T, B, classes), one for each timestep.

    Direct encoding: the first convolution sees each image once, and its result drives the first neurons in all T
    timesteps. From there on convolutions, batch norms and pooling see T x B images, T first.
    """

    encoder = "conv1"  # the layer that reads the image
    timesteps: int  # may be changed at any time
    adds_to: dict[str, str]  # layer -> the residual sum that its output is part of

    def __init__(self, settings: Model) -> None:
        super().__init__()
        self.timesteps = settings.timesteps
        self.adds_to = {}
        self.layout: Layout = BatchFirst()

    def by_timestep(self, outputs: Tensor) -> Tensor:
        """Unfold: (T x B, classes) -> (T, B, classes)."""
        by_timestep: Tensor = outputs.unflatten(0, (self.timesteps, -1))
        return by_timestep


class VGG(SpikingNetwork):
    """3x3 convolutions, each with batch norm and LIF, max pooling between, then the mean over positions and `fc`.

    Layers: conv1, conv2, ..., fc. Pooling rounds sizes up, so that any image size works.
    """

    def __init__(self, settings: Model, channels: int, num_classes: int) -> None:
        super().__init__(settings)
        self.steps: list[str] = []  # POOL, or the number of a convolution
        number = 0
        for step in VGG_STEPS[settings.name]:
            if step == POOL:
                self.steps.append(POOL)
                continue
            number, filters = number + 1, _scaled(int(step), settings)
            self.steps.append(str(number))
            self.add_module(f"conv{number}", nn.Conv2d(channels, filters, 3, padding=1, bias=False))
            self.add_module(f"norm{number}", nn.BatchNorm2d(filters))
            self.add_module(f"lif{number}", _lif(settings))
            channels = filters
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, channels, height, width). Returns (T, B, classes)."""
        layout, timesteps = self.layout, self.timesteps
        x = layout.images(images)
        for step in self.steps:
            if step == POOL:
                x = layout.pool(x)
                continue
            conv, norm, lif = (getattr(self, f"{kind}{step}") for kind in ("conv", "norm", "lif"))
            x = layout.conv(conv, x)
            if step == "1":
                x = layout.encode(lif, layout.norm(norm, x), timesteps)
            else:
                x = layout.norm_fire(norm, lif, x, timesteps)
        return self.by_timestep(self.fc(layout.features(x)))


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut around them, a 1x1 convolution where the shape changes."""

    def __init__(self, settings: Model, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(filters)
        self.lif1 = _lif(settings)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        self.lif2 = _lif(settings)
        self.shortcut: nn.Conv2d | None = None
        if stride != 1 or channels != filters:
            self.shortcut = nn.Conv2d(channels, filters, 1, stride=stride, bias=False)
            self.shortcut_norm = nn.BatchNorm2d(filters)

    def forward(self, x: Tensor, layout: Layout, timesteps: int) -> Tensor:
        """Spikes of T x B images in, spikes of as many out; the currents are added."""
        inner = layout.norm_fire(self.norm1, self.lif1, layout.conv(self.conv1, x), timesteps)
        current = layout.norm(self.norm2, layout.conv(self.conv2, inner))
        around = x if self.shortcut is None else layout.norm(self.shortcut_norm, layout.conv(self.shortcut, x))
        return layout.fire(self.lif2, current + around, timesteps)


class ResNet19(SpikingNetwork):
    """A convolution, three stages of basic blocks, the mean over positions, fc1 with LIF, fc2.

    Layers: conv1, stage1.block1.conv1, stage1.block1.conv2, stage1.block1.shortcut, ..., fc1, fc2.
    """

    def __init__(self, settings: Model, channels: int, num_classes: int) -> None:
        super().__init__(settings)
        width = _scaled(64, settings)
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.lif1 = _lif(settings)
        self.stages: list[str] = []
        for stage, (filters, num_blocks) in enumerate(RESNET19_STAGES, start=1):
            blocks = nn.Sequential()
            for b in range(1, num_blocks + 1):
                block = Block(settings, width, _scaled(filters, settings), stride=2 if b == 1 else 1)
                blocks.add_module(f"block{b}", block)
                ends = ("conv2",) if block.shortcut is None else ("conv2", "shortcut")
                self.adds_to |= {f"stage{stage}.block{b}.{end}": f"stage{stage}" for end in ends}
                width = _scaled(filters, settings)
            self.stages.append(f"stage{stage}")
            self.add_module(f"stage{stage}", blocks)
        hidden = _scaled(256, settings)
        self.fc1 = nn.Linear(width, hidden)
        self.lif2 = _lif(settings)
        self.fc2 = nn.Linear(hidden, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, channels, height, width). Returns (T, B, classes)."""
        layout, timesteps = self.layout, self.timesteps
        current = layout.norm(self.norm1, layout.conv(self.conv1, layout.images(images)))
        x = layout.encode(self.lif1, current, timesteps)
        for stage in self.stages:
            for block in self.get_submodule(stage).children():
                x = block(x, layout, timesteps)
        hidden = BatchFirst().fire(self.lif2, self.fc1(layout.features(x)), timesteps)
        return self.by_timestep(self.fc2(hidden))


NETWORKS: dict[str, Callable[[Model, int, int], SpikingNetwork]] = {
    "vgg7": VGG,
    "vgg16": VGG,
    "resnet19": ResNet19,
}


def build(settings: Model, image_shape: Sequence[int], num_classes: int, seed: int) -> SpikingNetwork:
    """Return a freshly initialized network for images of shape (channels, height, width).

    Weights: He normal by the number of outputs, as is usual before batch norm; the same seed gives the same weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = NETWORKS[settings.name](settings, image_shape[0], num_classes)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    network.to(memory_format=torch.channels_last)
    return network


def weight_layers(network: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    """Return the convolution and linear layers by name, in the order of the network: those that a mask covers."""
    return {name: m for name, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}


def _scaled(filters: int, settings: Model) -> int:
    return max(1, round(filters * settings.width))


def _lif(settings: Model) -> LIF:
    return LIF(settings.leak, settings.spike_threshold, settings.surrogate_alpha)
