"""ResNet-19, the spiking network of residual blocks."""

from torch import Tensor, nn

from uticket.config.training import Model
from uticket.engine.layout import BatchFirst, Layout
from uticket.networks.network import SpikingNetwork, lif, scaled

FEW = 8  # channels


class Shortcut(nn.Conv2d):
    """A 1x1 convolution with a stride, without padding or bias.

    With few channels it drops the pixels between the strides first: oneDNN's own way writes past its memory on CPUs
    whose vectors are AVX2 (its issue 6035), and gradients are wrong or the process ends.
    """

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__(channels, filters, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(images, channels, height, width) -> (images, filters, height / stride, width / stride), rounded up."""
        if self.in_channels >= FEW:
            return super().forward(x)
        return nn.functional.conv2d(x[:, :, :: self.stride[0], :: self.stride[1]], self.weight)


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut around them, a 1x1 convolution where the shape changes."""

    def __init__(self, settings: Model, channels: int, filters: int, stride: int) -> None:
        """channels, filters: of input and output, scaled."""
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(filters)
        self.lif1 = lif(settings)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        self.lif2 = lif(settings)
        self.shortcut: Shortcut | None = None
        if stride != 1 or channels != filters:
            self.shortcut = Shortcut(channels, filters, stride)
            self.shortcut_norm = nn.BatchNorm2d(filters)

    def forward(self, x: Tensor, layout: Layout, timesteps: int) -> Tensor:
        """Take the spikes of T x B images, return those of as many; the currents of both ways are added."""
        inner = layout.norm_fire(self.norm1, self.lif1, layout.conv(self.conv1, x), timesteps)
        outer = layout.conv(self.conv2, inner)
        around = x if self.shortcut is None else layout.norm(self.shortcut_norm, layout.conv(self.shortcut, x))
        return layout.norm_fire(self.norm2, self.lif2, outer, timesteps, around)


class ResNet19(SpikingNetwork):
    """A convolution, three stages of blocks, each halving the image, the mean over positions, fc1 with LIF, fc2.

    Layers: conv1, stage1.block1.conv1, stage1.block1.conv2, stage1.block1.shortcut, ..., fc1, fc2.
    """

    def __init__(self, settings: Model, channels: int, num_classes: int) -> None:
        """channels: of the images."""
        super().__init__(settings)
        width = scaled(64, settings)
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.lif1 = lif(settings)
        self.stage1 = self._stage("stage1", settings, width, scaled(128, settings), num_blocks=3)
        self.stage2 = self._stage("stage2", settings, scaled(128, settings), scaled(256, settings), num_blocks=3)
        self.stage3 = self._stage("stage3", settings, scaled(256, settings), scaled(512, settings), num_blocks=2)
        hidden = scaled(256, settings)
        self.fc1 = nn.Linear(scaled(512, settings), hidden)
        self.lif2 = lif(settings)
        self.fc2 = nn.Linear(hidden, num_classes)

    def _stage(self, name: str, settings: Model, channels: int, filters: int, num_blocks: int) -> nn.Sequential:
        """Return block1, block2, ...; all add to the residual sum `name`."""
        blocks = nn.Sequential()
        for number in range(1, num_blocks + 1):
            first = number == 1
            block = Block(settings, channels if first else filters, filters, stride=2 if first else 1)
            blocks.add_module(f"block{number}", block)
            ends = ("conv2",) if block.shortcut is None else ("conv2", "shortcut")
            self.adds_to |= {f"{name}.block{number}.{end}": name for end in ends}
        return blocks

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, channels, height, width), or frames with bins before channels. Returns (T, B, classes)."""
        layout, timesteps = self.layout, self.timesteps
        x = self.encoded(images, self.conv1, self.norm1, self.lif1)
        for stage in (self.stage1, self.stage2, self.stage3):
            for block in stage:
                x = block(x, layout, timesteps)
        hidden = BatchFirst().fire(self.lif2, self.fc1(layout.features(x)), timesteps)
        return self.by_timestep(self.fc2(hidden))


NETWORKS = {"resnet19": ResNet19}
