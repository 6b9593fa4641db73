"""How activations lie in memory while a network runs: what a layout offers, and PyTorch's own.

`BatchFirst` is PyTorch's, (T x B, channels, height, width), dense everywhere. `uticket.engine.batch_last` has the one
for pruned weights on CPUs, and `uticket.engine.choose` says which is faster.
"""

from typing import Protocol

from torch import Tensor, nn

from uticket.engine.lif import LIF


class Layout(Protocol):
    """The layers of a network in one layout."""

    def images(self, images: Tensor) -> Tensor:
        """Lay out images (B, channels, height, width)."""

    def frames(self, frames: Tensor) -> Tensor:
        """Lay out one image for each timestep, (B, T, channels, height, width)."""

    def conv(self, module: nn.Conv2d, x: Tensor) -> Tensor:
        """Convolve."""

    def norm(self, module: nn.BatchNorm2d, x: Tensor) -> Tensor:
        """Normalize over all but the channels."""

    def fire(self, neurons: LIF, current: Tensor, timesteps: int) -> Tensor:
        """Run neurons over the timesteps: T x B -> T x B."""

    def norm_fire(
        self, module: nn.BatchNorm2d, neurons: LIF, x: Tensor, timesteps: int, beside: Tensor | None = None
    ) -> Tensor:
        """Normalize, add the currents of another way, if any, and run neurons."""

    def norm_encode(self, module: nn.BatchNorm2d, neurons: LIF, x: Tensor, timesteps: int) -> Tensor:
        """Normalize, and drive neurons with the same current in all timesteps: B images -> T x B."""

    def pool(self, x: Tensor) -> Tensor:
        """Take the largest of each 2 x 2; sizes round up."""

    def features(self, x: Tensor) -> Tensor:
        """Return the mean over positions, (T x B, channels)."""


class BatchFirst:
    """PyTorch's layout and layers."""

    def images(self, images: Tensor) -> Tensor:
        """Return the images as they are."""
        return images

    def frames(self, frames: Tensor) -> Tensor:
        """(B, T, ...) -> (T x B, ...)."""
        return frames.transpose(0, 1).flatten(0, 1)

    def conv(self, module: nn.Conv2d, x: Tensor) -> Tensor:
        """Run the module, hooks included."""
        y: Tensor = module(x)
        return y

    def norm(self, module: nn.BatchNorm2d, x: Tensor) -> Tensor:
        """Run the module."""
        y: Tensor = module(x)
        return y

    def encode(self, neurons: LIF, current: Tensor, timesteps: int) -> Tensor:
        """(B, ...) -> (T x B, ...)."""
        spikes: Tensor = neurons(current.expand(timesteps, *current.shape))
        return spikes.flatten(0, 1)

    def fire(self, neurons: LIF, current: Tensor, timesteps: int) -> Tensor:
        """(T x B, ...) -> (T x B, ...)."""
        spikes: Tensor = neurons(current.unflatten(0, (timesteps, -1)))
        return spikes.flatten(0, 1)

    def norm_fire(
        self, module: nn.BatchNorm2d, neurons: LIF, x: Tensor, timesteps: int, beside: Tensor | None = None
    ) -> Tensor:
        """Run one after the other."""
        current = self.norm(module, x)
        return self.fire(neurons, current if beside is None else current + beside, timesteps)

    def norm_encode(self, module: nn.BatchNorm2d, neurons: LIF, x: Tensor, timesteps: int) -> Tensor:
        """Run one after the other."""
        return self.encode(neurons, self.norm(module, x), timesteps)

    def pool(self, x: Tensor) -> Tensor:
        """Pool as PyTorch does."""
        return nn.functional.max_pool2d(x, 2, ceil_mode=True)

    def features(self, x: Tensor) -> Tensor:
        """(T x B, channels, height, width) -> (T x B, channels)."""
        return x.mean((2, 3))
