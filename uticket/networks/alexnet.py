"""AlexNet for small images, as spiking papers run it."""

from torch import nn

from uticket.config.training import Model
from uticket.networks.vgg import POOL, VGG, Plan

ALEXNET: Plan = [64, POOL, 192, 384, 256, 256, POOL]


class AlexNet(VGG):
    """Five 3x3 convolutions, the first with stride 2, otherwise as `VGG`: on 32x32 images all but the first see 8x8.

    Layers: conv1, ..., conv5, fc. Source: the AlexNet of LoAS (Yin et al., MICRO 2024), whose fourth layer is
    its workload A-L4: 256 filters of 384 channels at 64 positions. Differs from it in: batch norm, no bias of
    convolutions, and `fc` reads the mean over all positions, not over each quarter of them.
    """

    conv1: nn.Conv2d

    def __init__(self, settings: Model, channels: int, num_classes: int) -> None:
        """channels: of the images."""
        super().__init__(ALEXNET, settings, channels, num_classes)
        self.conv1.stride = (2, 2)


NETWORKS = {"alexnet": AlexNet}
