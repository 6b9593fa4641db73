"""The layout for pruned weights on CPUs: (channels, T, height, width, B), float32.

A kept weight multiplies rows of whole batches, so that a convolution costs what it keeps.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from uticket.engine.lif import LIF
from uticket.engine.memory import ChannelsFirst
from uticket.engine.norm_fire import norm_fire
from uticket.engine.pool import MaxPool
from uticket.engine.sparse import KeptWeights, SparseConv


class BatchLast:
    """(channels, T, height, width, B) on the CPU; those in `kept` convolve by their kept weights."""

    def __init__(self, kept: Mapping[nn.Conv2d, KeptWeights]) -> None:
        self._kept = kept

    def images(self, images: Tensor) -> Tensor:
        """(B, channels, height, width) -> (channels, 1, height, width, B)."""
        return images.permute(1, 2, 3, 0).unsqueeze(1)

    def frames(self, frames: Tensor) -> Tensor:
        """(B, T, channels, height, width) -> (channels, T, height, width, B)."""
        return frames.permute(2, 1, 3, 4, 0)

    def conv(self, module: nn.Conv2d, x: Tensor) -> Tensor:
        """Convolve by kept weights, or as PyTorch does."""
        if module in self._kept:
            y: Tensor = SparseConv.apply(x, module.weight, self._kept[module])
            return y
        folded = x.permute(1, 4, 0, 2, 3).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        dense: Tensor = module(folded)
        folded_back: Tensor = dense.unflatten(0, (x.shape[1], -1))
        return folded_back.permute(2, 0, 3, 4, 1).contiguous()

    def norm(self, module: nn.BatchNorm2d, x: Tensor) -> Tensor:
        """Normalize each channel, and keep running statistics as the module does."""
        assert module.momentum is not None, "running statistics are exponential means"
        if module.training and module.num_batches_tracked is not None:
            module.num_batches_tracked.add_(1)
        y = nn.functional.batch_norm(
            x.contiguous().view(1, len(x), -1),
            module.running_mean,
            module.running_var,
            module.weight,
            module.bias,
            module.training,
            module.momentum,
            module.eps,
        )
        return y.view(x.shape)

    def fire(self, neurons: LIF, current: Tensor, timesteps: int) -> Tensor:
        """(channels, T, ...) -> (channels, T, ...)."""
        spikes: Tensor = neurons.steps(current, dim=1)
        return spikes

    def norm_fire(
        self, module: nn.BatchNorm2d, neurons: LIF, x: Tensor, timesteps: int, beside: Tensor | None = None
    ) -> Tensor:
        """Do both in one pass, unless other currents are added between."""
        if beside is not None:
            return self.fire(neurons, self.norm(module, x) + beside, timesteps)
        return norm_fire(module, neurons, x, ChannelsFirst())

    def norm_encode(self, module: nn.BatchNorm2d, neurons: LIF, x: Tensor, timesteps: int) -> Tensor:
        """(channels, 1, ...) -> (channels, T, ...)."""
        current = self.norm(module, x)
        return self.fire(neurons, current.expand(-1, timesteps, -1, -1, -1), timesteps)

    def pool(self, x: Tensor) -> Tensor:
        """Pool as PyTorch does, in this layout."""
        y: Tensor = MaxPool.apply(x.flatten(0, 1))
        pooled: Tensor = y.unflatten(0, x.shape[:2])
        return pooled

    def features(self, x: Tensor) -> Tensor:
        """(channels, T, height, width, B) -> (T x B, channels)."""
        return x.mean((2, 3)).flatten(1).t()
