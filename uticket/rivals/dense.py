"""A dense systolic array: what skipping nothing costs."""

from uticket.rivals.lowered import Lowered
from uticket.rivals.rival import Rival, grid

PUBLISHED = 12, 14  # rows of filters, columns of inputs


def dense_cycles(layer: Lowered, pes: int) -> int:
    """Return the cycles of a weight-stationary grid: rows hold filters, columns the inputs that are summed.

    A tile of weights stays for all output positions and timesteps, one of them in each cycle. Tiles at the edge take as
    long as full ones; the public simulator of Prosperity fills columns across the edges instead, which is the same
    where the columns divide the inputs, and less elsewhere.
    """
    rows, columns = grid(pes, PUBLISHED)
    tiles = -(-layer.filters // rows) * -(-layer.inputs // columns)
    return tiles * layer.positions * layer.timesteps


RIVALS = {
    "dense": Rival(
        cycles=dense_cycles,
        title="dense systolic array",
        source="Chen et al., Eyeriss, ISCA 2016: 168 PEs; as a weight-stationary 12 x 14 grid in the simulator of"
        " Prosperity (github.com/dubcyfor3/Prosperity)",
        adders="one in each PE",
        skips=(),
        leaves_out="filling and draining the grid, loading weights",
    )
}
