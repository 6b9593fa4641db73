"""SpinalFlow: spikes in order of time, one in a cycle, for a filter on each PE."""

from uticket.rivals.lowered import Lowered
from uticket.rivals.rival import Rival


def spinalflow_cycles(layer: Lowered, pes: int) -> int:
    """Return the cycles of the sorted stream of spikes: one for each spike, output position and group of filters.

    Each PE has the neuron of one filter; the PEs go from one output position to the next together.
    """
    return int(layer.spikes.sum()) * -(-layer.filters // pes)


RIVALS = {
    "spinalflow": Rival(
        cycles=spinalflow_cycles,
        title="SpinalFlow",
        source="Narayanan et al., SpinalFlow, ISCA 2020; the same count as that of MINT in the simulator of Prosperity"
        " (github.com/dubcyfor3/Prosperity)",
        adders="one in each PE",
        skips=("spikes",),
        leaves_out="merging the sorted streams, at most one spike of a neuron (the design's own code), loading weights",
    )
}
