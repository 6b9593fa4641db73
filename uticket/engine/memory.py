"""How activations lie in memory on the CPU, for norm and neurons in one pass (`norm_fire`)."""

from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from uticket.engine import norm_loops, norm_rows

Floats = NDArray[np.float32]


class Memory(Protocol):
    """How activations lie in memory."""

    @property
    def loops(self) -> ModuleType:
        """The loops that run norm and neurons."""

    def laid_out(self, x: Tensor) -> Tensor:
        """Copy an activation that lies otherwise."""

    def flat(self, x: Tensor) -> Floats:
        """Return a view of the memory of an activation, as the loops take it."""

    def spikes(self, x: Tensor) -> Tensor:
        """Return memory for the spikes of neurons driven by x."""

    def beside(self, currents: Tensor | None) -> tuple[Floats, ...]:
        """Return currents that are added, or their gradient, as the loops take them."""


class ChannelsFirst:
    """(channels, T, ...)."""

    loops = norm_loops

    def laid_out(self, x: Tensor) -> Tensor:
        """Copy what is not contiguous."""
        return x.contiguous()

    def flat(self, x: Tensor) -> Floats:
        """Return (channels, T, N)."""
        view: Floats = x.detach().view(*x.shape[:2], -1).numpy()
        return view

    def spikes(self, x: Tensor) -> Tensor:
        """Return as much as x has."""
        return torch.empty_like(x)

    def beside(self, currents: Tensor | None) -> tuple[Floats, ...]:
        """Return nothing: the loops add none."""
        assert currents is None
        return ()


@dataclass(frozen=True)
class ChannelsLast:
    """(T x B, channels, height, width), channels innermost in memory; B images may drive all timesteps."""

    loops = norm_rows
    timesteps: int
    images: int

    def laid_out(self, x: Tensor) -> Tensor:
        """Copy what is not in this order."""
        return x.contiguous(memory_format=torch.channels_last)

    def flat(self, x: Tensor) -> Floats:
        """Return (T or 1, B x height x width x channels)."""
        view: Floats = x.detach().permute(0, 2, 3, 1).view(len(x) // self.images, -1).numpy()
        return view

    def spikes(self, x: Tensor) -> Tensor:
        """Return T x B images of as many channels."""
        shape = self.timesteps * self.images, *x.shape[1:]
        return torch.empty(shape, memory_format=torch.channels_last)

    def beside(self, currents: Tensor | None) -> tuple[Floats, ...]:
        """Return (T, B x height x width x channels), or (0, 0) for none."""
        return (np.empty((0, 0), np.float32) if currents is None else self.flat(currents),)
