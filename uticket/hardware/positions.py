"""Where answers depend on output positions that nothing tells: those of a file of masks are taken as 1."""

from collections.abc import Sequence

import numpy as np

from uticket.base.errors import listed
from uticket.config.array import Array
from uticket.mapping.placed import Placed

MANY = 2**20  # positions, more than there are PEs


def unknown_positions(layers: Sequence[Placed], array: Array, cycles: bool = True) -> tuple[str, ...]:
    """Return a note on layers whose positions are unknown, and change the answer; none if there are none.

    Copies of a group share the positions, on spare PEs and with dataflows that give each PE a part of them: their
    number decides how many PEs work. cycles: whether cycles of several layers are summed, which weighs layers by them.
    """
    unknown = [placed for placed in layers if not placed.layer.positions_known]
    copied = [placed.layer.name for placed in unknown if _shares_positions(placed, array)]
    depend = [f"utilization of {listed(copied)}"] if copied else []
    depend += ["cycles of the network"] if cycles and unknown and len(layers) > 1 else []
    if not depend:
        return ()
    names, what = listed(placed.layer.name for placed in unknown), " and ".join(depend)
    return (f"output positions of {names} are unknown, taken as 1 (--positions, --layers): {what} depend on them",)


def _shares_positions(placed: Placed, array: Array) -> bool:
    """Return whether more positions would mean more copies of a group."""
    return bool(np.any(placed.dataflow.copies(placed.used_pes, MANY, array) != placed.copies))
