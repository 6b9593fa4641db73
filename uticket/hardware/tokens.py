"""The tokens of a layer: which activations of an image meet which kernel positions, compiled.

A token is an activation with a spike at one kernel position of one input channel: the output that it adds to follows
from where it is. Activations without a spike in any timestep, and those of the padding, make none. A number of spikes
(`Layer.reads`) is sent that many times: an activation makes as many tokens as the most spikes that it has in a
timestep, one after another, the n-th with the timesteps that have n spikes or more (`uticket.ticket.spikes.turns`).
Keys number the kernel positions: channel * kernel height * kernel width + row * kernel width + column.
Source: facts of the hardware model, sections 2 to 4 and 7.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.compiled import compiled
from uticket.config.array import TokenCost
from uticket.hardware.tiles import Tiles
from uticket.mapping.policies import Ints
from uticket.ticket.layer import Layer
from uticket.ticket.spikes import turns

UNLIMITED = 2**62  # more than there are tokens


@dataclass(frozen=True)
class Tokens:
    """The tokens of one image at one layer, by key, part, and output in raster order."""

    tiles: Tiles
    kernel: int  # keys of one channel
    begin: Ints  # (keys, parts): where the tokens of a key and a part begin
    end: Ints  # (keys, parts)
    cost: NDArray[np.uint16]  # (tokens,), cycles that a PE takes for it, for each weight
    source: NDArray[np.int32]  # (tokens,): its activation, by channel and place in raster order
    spikes: Ints  # (keys,): spikes of all its tokens

    @cached_property
    def num(self) -> Ints:
        """Tokens of each key and part, shape (keys, parts)."""
        return self.end - self.begin

    @cached_property
    def num_of_key(self) -> Ints:
        """Tokens of each key, shape (keys,)."""
        num: Ints = self.num.sum(axis=1)
        return num

    @cached_property
    def key(self) -> Ints:
        """The key of each token, shape (tokens,)."""
        return np.repeat(np.arange(len(self.num)), self.num_of_key)

    @cached_property
    def part(self) -> Ints:
        """The part of the outputs to which each token belongs, shape (tokens,)."""
        return np.repeat(np.tile(np.arange(self.num.shape[1]), len(self.num)), self.num.ravel())

    @cached_property
    def cycles(self) -> Ints:
        """Cycles that a PE takes for all tokens of each key and part, shape (keys, parts)."""
        total = np.concatenate([[0], np.cumsum(self.cost, dtype=np.int64)])
        cycles: Ints = total[self.end] - total[self.begin]
        return cycles


def tokens_of(layer: Layer, spikes: NDArray[Any], tiles: Tiles, cost: TokenCost) -> Tokens:
    """Return the tokens of one image.

    spikes: (T, channels, height, width), booleans or numbers of spikes (uint8). cost: what a token takes a PE for each
    weight: as many cycles as there are timesteps, as it has spikes, or one.
    """
    timesteps = len(spikes)
    counts = np.stack([turn.sum(axis=0, dtype=np.uint16) for turn in turns(spikes)])
    number = np.arange(timesteps + 1, dtype=np.uint16)
    cycles = {"timesteps": np.full_like(number, timesteps), "spikes": number, "one": np.ones_like(number)}[cost]
    shape = layer.channels * layer.kernel[0] * layer.kernel[1], tiles.num_tiles * tiles.copies
    where = layer.kernel, layer.stride, layer.padding, layer.dilation, tiles.part
    num, total = np.zeros(shape, np.int64), np.zeros(shape[0], np.int64)
    _walk(counts, *where, num, total, cycles, np.empty(0, np.uint16), np.empty(0, np.int32))
    end = np.cumsum(num).reshape(shape)
    costs, sources = np.empty(num.sum(), np.uint16), np.empty(num.sum(), np.int32)
    _walk(counts, *where, end - num, np.zeros_like(total), cycles, costs, sources)
    return Tokens(tiles, math.prod(layer.kernel), end - num, end, costs, sources, total)


@compiled
def _walk(
    counts: NDArray[np.uint16],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    part: NDArray[np.int32],
    place: Ints,
    spikes: Ints,
    cycles: NDArray[np.uint16],
    costs: NDArray[np.uint16],
    sources: NDArray[np.int32],
) -> None:
    """Visit all tokens: move `place` (keys, parts) on by one for each, and `spikes` (keys,) by its spikes.

    counts: spikes by (turn, channel, row, column); an activation without any in a turn has none in later ones. If
    `costs` is not empty, the cycles of a token, by its spikes, and its activation are written where `place` is.
    """
    num_turns, _, height, width = counts.shape
    for key in range(len(place)):
        channel, position = divmod(key, kernel[0] * kernel[1])
        down = position // kernel[1] * dilation[0] - padding[0]
        right = position % kernel[1] * dilation[1] - padding[1]
        for y in range(part.shape[0]):
            row = y * stride[0] + down
            if row < 0 or row >= height:
                continue
            for x in range(part.shape[1]):
                column = x * stride[1] + right
                if not 0 <= column < width:
                    continue
                for turn in range(num_turns):
                    count = counts[turn, channel, row, column]
                    if count == 0:
                        break
                    if len(costs):
                        at = place[key, part[y, x]]
                        costs[at] = cycles[count]
                        sources[at] = (channel * height + row) * width + column
                    place[key, part[y, x]] += 1
                    spikes[key] += count
