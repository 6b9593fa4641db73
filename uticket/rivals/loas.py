"""LoAS: spikes of all timesteps joined with pruned weights, output by output."""

import numpy as np
from numpy.typing import NDArray

from uticket.rivals.lowered import Bools, Lowered, packed
from uticket.rivals.rival import Rival

CHUNK = 128  # inputs whose bit masks are joined at a time


def loas_cycles(layer: Lowered, pes: int) -> int:
    """Return the cycles of the fully temporal-parallel inner join.

    A TPPE takes an output position and a filter, with all timesteps at once. Where an input has both a spike in any
    timestep and a kept weight, they match. In each chunk of inputs a match takes a cycle, and a chunk without one takes
    one too. A TPPE has an adder for the sum as if all timesteps had spikes and one for each timestep to correct it; so
    there are pes // (1 + T) TPPEs, at least one. They never wait for each other.
    """
    tppes = max(pes // (1 + layer.timesteps), 1)
    neurons: Bools = np.logical_or.reduce(layer.spikes, axis=0)
    live, kept = bit_masks(neurons), bit_masks(layer.kept)
    total = 0
    for of_positions, of_filters in zip(live, kept, strict=True):
        matches = np.bitwise_count(of_positions[:, None] & of_filters).sum(axis=2)
        total += int(np.maximum(matches, 1).sum())
    return -(-total // tppes)


def bit_masks(rows: Bools) -> NDArray[np.uint64]:
    """Return the bit masks of the chunks of each row, shape (chunks, rows, words); rows: (rows, inputs)."""
    words = packed(rows, CHUNK, np.uint64).reshape(len(rows), -1, CHUNK // 64)
    masks: NDArray[np.uint64] = np.ascontiguousarray(words.swapaxes(0, 1))
    return masks


RIVALS = {
    "loas": Rival(
        cycles=loas_cycles,
        title="LoAS",
        source="Yin et al., LoAS, MICRO 2024: 16 TPPEs, bit masks of 128 inputs",
        adders="1 + T in each TPPE; those of its prefix sums are not counted",
        skips=("neurons", "weights"),
        leaves_out="waiting for the slower of the two prefix sums and for weights that all TPPEs share",
    )
}
