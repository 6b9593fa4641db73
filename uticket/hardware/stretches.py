"""What happens from each barrier to the next, in one record for a layer under one image."""

from typing import NamedTuple

import numpy as np

from uticket.base.compiled import compiled
from uticket.hardware.recurrence import TileRun
from uticket.mapping.policies import Ints


class Stretches(NamedTuple):
    """What happens from each barrier to the next, and what PEs do in all of them together.

    By PE: work + swap + starved + blocked + tail = latency (`TileRun`). A sender serves PEs of its own, in tiles of its
    own: the first, and from there on every `senders`-th.
    """

    latency: Ints  # (groups, tiles), cycles; one for all that have no barriers, 0 where a group has fewer tiles
    waited: Ints  # (groups, tiles)
    most_waiting: Ints  # (groups, tiles)
    work_by_group: Ints  # (groups,), PE-cycles of work
    work: Ints  # (senders, pes), cycles of work, without swaps
    swap: Ints  # (senders, pes), changing weights, or looking for them in bitmaps
    starved: Ints  # (senders, pes)
    blocked: Ints  # (senders, pes)
    tail: Ints  # (senders, pes)


def no_stretches(groups: int, tiles: int, pes: int, senders: int = 1) -> Stretches:
    """Return the record before anything has run; tiles: of the group that has the most."""
    shapes = [(groups, tiles)] * 3 + [(groups,)] + [(senders, pes)] * 5
    return Stretches(*(np.zeros(shape, np.int64) for shape in shapes))


@compiled
def add(ran: Stretches, group: int, tile: int, run: TileRun, swap: Ints) -> None:
    """Add what happened in one tile of a group to `ran`; swap: (pes,), cycles of each PE that are part of its work."""
    sender, work = tile % len(ran.work), run.work - swap
    ran.latency[group, tile] = run.latency
    ran.waited[group, tile] = run.waited
    ran.most_waiting[group, tile] = run.most_waiting
    ran.work_by_group[group] += work.sum()
    ran.work[sender] += work
    ran.swap[sender] += swap
    ran.starved[sender] += run.starved
    ran.blocked[sender] += run.blocked
    ran.tail[sender] += run.tail
