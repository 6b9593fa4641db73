"""SATO: all timesteps in parallel, the rows of spikes dealt out evenly."""

import heapq

from uticket.rivals.lowered import Lowered
from uticket.rivals.rival import Rival


def sato_cycles(layer: Lowered, pes: int) -> int:
    """Return the cycles of temporal-parallel accumulation.

    A job is the spikes of one output position in one timestep. Jobs go in order to the PE that has the fewest spikes so
    far; a PE adds one weight in a cycle, filter after filter. The layer lasts as long as its busiest PE.
    """
    spikes = [0] * pes
    for job in layer.spikes.sum(axis=2).ravel().tolist():
        heapq.heapreplace(spikes, spikes[0] + job)
    return max(spikes) * layer.filters


RIVALS = {
    "sato": Rival(
        cycles=sato_cycles,
        title="SATO",
        source="Liu et al., SATO, DAC 2022; jobs and their order as in the simulator of Prosperity"
        " (github.com/dubcyfor3/Prosperity)",
        adders="one in each PE",
        skips=("spikes",),
        leaves_out="sorting the jobs, the tree that finds output spikes, loading weights",
    )
}
