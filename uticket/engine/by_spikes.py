"""PyTorch's layout, with convolutions of spikes that compute only where a spike is; for dense rounds on CPUs."""

from collections.abc import Collection

import torch
from torch import Tensor, nn

from uticket.engine.layout import BatchFirst
from uticket.engine.lif import LIF
from uticket.engine.memory import ChannelsLast
from uticket.engine.norm_fire import norm_fire
from uticket.engine.spike_conv import FORWARD_BELOW, GRADIENT_BELOW, SpikeBits, SpikeConv


class BySpikes(BatchFirst):
    """(T x B, channels, height, width) on the CPU; `convolutions` compute by spikes where their input has few."""

    def __init__(self, convolutions: Collection[nn.Conv2d]) -> None:
        self._convolutions = frozenset(convolutions)

    def conv(self, module: nn.Conv2d, x: Tensor) -> Tensor:
        """Convolve by spikes, or as PyTorch does: where more of them fire, or the input has other numbers."""
        if module in self._convolutions:
            spikes = SpikeBits.of(x)
            if spikes is not None and spikes.density < (GRADIENT_BELOW if torch.is_grad_enabled() else FORWARD_BELOW):
                y: Tensor = SpikeConv.apply(x, module.weight, spikes)
                return y
        return super().conv(module, x)

    def norm_fire(
        self, module: nn.BatchNorm2d, neurons: LIF, x: Tensor, timesteps: int, beside: Tensor | None = None
    ) -> Tensor:
        """Do all in one pass."""
        return norm_fire(module, neurons, x, ChannelsLast(timesteps, len(x) // timesteps), beside)

    def norm_encode(self, module: nn.BatchNorm2d, neurons: LIF, x: Tensor, timesteps: int) -> Tensor:
        """Do both in one pass."""
        return norm_fire(module, neurons, x, ChannelsLast(timesteps, len(x)))
