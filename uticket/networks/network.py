"""What every network is: a spiking network of images or of event frames, all timesteps folded into the batch.

A network is one file of this folder: a subclass of `SpikingNetwork`, and `NETWORKS = {"name": what builds it}`, a
dictionary written out at the top level, from which settings, options and `build` learn its name.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from uticket.base.errors import InputError
from uticket.config.tables import NETWORKS
from uticket.config.training import Model
from uticket.engine.layout import BatchFirst, Layout
from uticket.engine.lif import LIF

IMAGES = 4  # dimensions of a batch of images; one of frames has another for the timesteps
WeightLayer = nn.Conv1d | nn.Conv2d | nn.Linear


class SpikingNetwork(nn.Module):
    """Base of the networks: images or frames -> outputs (T, B, classes), one for each timestep.

    Images (B, channels, height, width) are encoded directly: the first convolution sees each image once, and its result
    drives the first neurons in all T timesteps. Frames (B, bins, channels, height, width), the spikes of an event
    camera, are read one in each timestep; with fewer timesteps than bins, the first ones. From there on convolutions,
    batch norms and pooling see T x B images, T first. A subclass calls its layers through `layout`, which decides how
    activations lie in memory, and its first ones through `encoded`.
    """

    encoder = "conv1"  # the layer that reads the input
    timesteps: int  # may be changed at any time
    adds_to: dict[str, str]  # layer -> the residual sum that its output is part of
    runs: frozenset[str] | None = None  # names of the layers that a forward pass calls; None: all
    stacked: frozenset[str] | None = None  # linear layers whose input has an axis T before the batch; None: unknown
    code: tuple[str, ...] = ()  # that decides how it runs, beside this package

    def __init__(self, settings: Model) -> None:
        super().__init__()
        self.timesteps = settings.timesteps
        self.adds_to = {}
        self.layout: Layout = BatchFirst()

    def encoded(self, images: Tensor, conv: nn.Conv2d, norm: nn.BatchNorm2d, neurons: LIF) -> Tensor:
        """Run the first layer on images or frames; return spikes of all timesteps, in the layout."""
        layout = self.layout
        if images.dim() == IMAGES:
            return layout.norm_encode(norm, neurons, layout.conv(conv, layout.images(images)), self.timesteps)
        frames = layout.frames(images[:, : self.timesteps])
        return layout.norm_fire(norm, neurons, layout.conv(conv, frames), self.timesteps)

    def by_timestep(self, outputs: Tensor) -> Tensor:
        """Unfold: (T x B, classes) -> (T, B, classes)."""
        by_timestep: Tensor = outputs.unflatten(0, (self.timesteps, -1))
        return by_timestep


def build(settings: Model, image_shape: Sequence[int], num_classes: int, seed: int) -> SpikingNetwork:
    """Return a freshly initialized network for images (channels, height, width) or frames (bins, channels, ...).

    settings.name is looked up in the files of this folder, where what builds a network takes (settings, image channels,
    number of classes), or is MODULE:FUNCTION of one's own (`own`), which is tried on a few images. The same seed gives
    the same weights, and the global random numbers stay as they are. Raises InputError if the frames have another
    number of bins than the settings have timesteps, or if an own network is wrong.
    """
    *bins, channels, _, _ = image_shape
    if bins and bins[0] != settings.timesteps:
        got = f"frames of {bins[0]}; run the stage data"
        raise InputError(f"model.timesteps: expected the bins of the prepared frames, {settings.timesteps}, got {got}")
    with torch.random.fork_rng(devices=[]):
        seed_draws(seed, torch.device("cpu"))
        if ":" in settings.name:
            from uticket.networks.own import build_own  # imported here: it needs this file
            from uticket.networks.trial import try_out

            network: SpikingNetwork = build_own(settings, image_shape, num_classes)
            try_out(network, image_shape, num_classes)
            return network
        network = NETWORKS[settings.name](settings, channels, num_classes)
        initialize(network)
    return network


def initialize(network: SpikingNetwork) -> None:
    """Draw the weights of convolutions: He normal by the number of outputs, as is usual before batch norm."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    network.to(memory_format=torch.channels_last)


def seed_draws(seed: int, device: torch.device) -> None:
    """Seed PyTorch's global random numbers on a device. `torch.manual_seed` seeds all devices, in milliseconds."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def weight_layers(network: nn.Module) -> dict[str, WeightLayer]:
    """Return the convolution and linear layers by name, in the order of the network: those that a mask covers."""
    runs = getattr(network, "runs", None)
    found = {name: m for name, m in network.named_modules() if isinstance(m, WeightLayer)}
    return {name: layer for name, layer in found.items() if runs is None or name in runs}


def scaled(filters: int, settings: Model) -> int:
    """Return the number of filters of a layer that has `filters` at width 1, at least 1."""
    return max(1, round(filters * settings.width))


def lif(settings: Model) -> LIF:
    """Return the neurons of a layer."""
    return LIF(settings.leak, settings.spike_threshold, settings.surrogate_alpha)
