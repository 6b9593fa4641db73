"""A layer under one image, from one barrier to the next, by how activations reach the PEs (`Dataflow.supply`)."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from uticket.config.array import Array, Broadcast
from uticket.hardware.groups import Groups
from uticket.hardware.overhead import swap_cycles
from uticket.hardware.patches import run_patches
from uticket.hardware.runs import runs_of
from uticket.hardware.senders import send_chunks, send_tokens
from uticket.hardware.stretches import Stretches, add, no_stretches
from uticket.hardware.tokens import UNLIMITED, Tokens
from uticket.mapping.dataflows import Supply
from uticket.mapping.placed import Placed

Arriving = Mapping[int, tuple[Groups, Tokens]]  # by the copies of a group


def by_tile(placed: Placed, arriving: Arriving, array: Array, broadcast: Broadcast) -> Stretches:
    """Run each tile of each group, with all PEs waiting for the last one."""
    most = max(tokens.tiles.num_tiles for _, tokens in arriving.values())
    ran, swap = no_stretches(placed.num_groups, most, placed.pes), swap_cycles(placed, array)
    for copies, (groups, tokens) in arriving.items():
        _send(ran, groups, tokens, copies, swap, broadcast)
    return ran


def by_layer(placed: Placed, arriving: Arriving, array: Array, broadcast: Broadcast) -> Stretches:
    """Run all tiles of all groups, each PE at its own pace: a tile, or a group, begins when the last is done.

    A PE has a sender of its own, for which it is a copy alone, and starves until that is done, also with tokens that it
    does not want: the next tile is sent after this one.
    """
    ((copies, (groups, tokens)),) = arriving.items()
    each = no_stretches(placed.num_groups, tokens.num.shape[1], pes=1, senders=copies)
    _send(each, groups, tokens, 1, swap_cycles(placed, array), broadcast)
    ran, all_pes = no_stretches(1, 1, placed.pes), slice(copies)
    ran.work[0, all_pes], ran.swap[0, all_pes] = each.work[:, 0], each.swap[:, 0]
    ran.starved[0, all_pes], ran.blocked[0, all_pes] = (each.starved + each.tail)[:, 0], each.blocked[:, 0]
    elapsed = ran.work + ran.swap + ran.starved + ran.blocked
    ran.latency[:], ran.work_by_group[:] = elapsed.max(), ran.work.sum()
    ran.waited[:], ran.most_waiting[:] = each.waited.sum(), each.most_waiting.max()
    ran.tail[:] = ran.latency - elapsed
    return ran


def by_group(placed: Placed, arriving: Arriving, array: Array, broadcast: Broadcast) -> Stretches:
    """Run all outputs of each group, patch by patch, with all PEs waiting for the last one."""
    ran = no_stretches(placed.num_groups, 1, placed.pes)
    for groups, tokens in arriving.values():
        for nth, group in enumerate(groups.number.tolist()):
            run, scans = run_patches(
                groups, nth, tokens, placed.reading[group, : groups.pes[nth]], placed.pes, broadcast
            )
            add(ran, group, 0, run, scans)
    return ran


def _send(ran: Stretches, groups: Groups, tokens: Tokens, copies: int, swap: int, broadcast: Broadcast) -> None:
    """Send all tiles to groups; copies: that a sender serves, swap: cycles of a change of weights."""
    keys, channel_groups = len(tokens.num), groups.reads.shape[2]
    width = 0 if math.isinf(broadcast.width) else int(min(broadcast.width, UNLIMITED))
    limits = int(min(broadcast.fifo_depth, UNLIMITED)), width, broadcast.skip_unwanted
    if broadcast.granularity == "token":
        runs = runs_of(tokens, copies, broadcast.order, swap > 0, channel_groups)
        cost = np.append(tokens.cost, np.uint16(swap))
        send_tokens(ran, groups, copies, runs, cost, keys, tokens.kernel, swap, *limits)
    else:
        chunk = np.arange(keys) // tokens.kernel if broadcast.granularity == "channel" else np.zeros(keys, np.int64)
        send_chunks(ran, groups, copies, tokens.num, tokens.cycles, chunk, tokens.kernel, swap, *limits)


Run = Callable[[Placed, Arriving, Array, Broadcast], Stretches]
SUPPLIES: dict[Supply, Run] = {"broadcast": by_tile, "streams": by_layer, "patches": by_group}
# axes of (groups, tiles) along which no barriers are; what is emptied there is added at the end
WITHOUT_BARRIERS: dict[Supply, tuple[int, ...]] = {"broadcast": (), "streams": (0, 1), "patches": (1,)}
