"""One group of filters on all its outputs, each computed by joining bitmaps: of its inputs and of the weights.

A patch is the inputs of one output position. It is sent to all PEs of a copy of the group, which add up the weights
whose inputs have a spike: their matches. PEs may be some patches late (`window` of the recurrence).
"""

import numpy as np

from uticket.config.array import Broadcast
from uticket.hardware.groups import Groups
from uticket.hardware.overhead import JOIN_BITS
from uticket.hardware.recurrence import TileRun, window
from uticket.hardware.tokens import UNLIMITED, Tokens
from uticket.mapping.policies import Ints


def run_patches(
    groups: Groups, nth: int, tokens: Tokens, filters: Ints, pes: int, broadcast: Broadcast
) -> tuple[TileRun, Ints]:
    """Run one group; each copy takes its part of the outputs, one after another.

    tokens: with one output in each part. filters: (PEs of the group, groups of channels), how many each holds. A patch
    is the inputs of one group of channels. A PE takes the cost of a token for each match, and for JOIN_BITS bits of a
    patch that one of its filters reads at least a cycle for each of these filters. A patch in which there is nothing to
    send is not sent. Returns what happened, and the part of the work that is no match, by PE, shape (pes,).
    """
    copies, parts = tokens.tiles.copies, tokens.num.shape[1]
    used, of_group = int(groups.pes[nth]), slice(groups.begin[nth], groups.begin[nth + 1])
    held = np.zeros((used, len(tokens.num)))
    held[groups.pe[of_group], groups.key[of_group]] = groups.times[of_group]
    matched, joined = np.zeros((2, used, parts))  # exact: doubles hold whole numbers up to 2^53
    sent, wanted = np.zeros(parts, np.int64), (held.max(axis=0) > 0) | (not broadcast.skip_unwanted)
    of_channels = len(tokens.num) // filters.shape[1]
    for channels in np.flatnonzero(filters.any(axis=0)).tolist():
        inputs = slice(channels * of_channels, (channels + 1) * of_channels)
        to_send = tokens.num[inputs][wanted[inputs]].sum(axis=0)
        for begin in range(inputs.start, inputs.stop, JOIN_BITS):
            bits = slice(begin, min(begin + JOIN_BITS, inputs.stop))
            cycles = held[:, bits] @ tokens.cycles[bits].astype(np.float64)
            matched += cycles
            joined += np.maximum(cycles, filters[:, channels, np.newaxis]) * (to_send > 0)
        sent += to_send
    work, scans = (_by_pe(values, copies, pes) for values in (joined, joined - matched))
    sent = sent.reshape(-1, copies).sum(axis=1)
    taken = sent > 0
    sending = np.ceil(sent / broadcast.width).astype(np.int64)
    run = window(work[taken], sending[taken], int(min(broadcast.fifo_depth, UNLIMITED)))
    return run, scans.sum(axis=0)


def _by_pe(cycles: np.ndarray, copies: int, pes: int) -> Ints:
    """Return cycles by (PE of the group, part) as (patches of a copy, pes)."""
    rows = cycles.reshape(len(cycles), -1, copies).transpose(1, 2, 0).reshape(-1, copies * len(cycles))
    return np.pad(rows, [(0, 0), (0, pes - rows.shape[1])]).astype(np.int64)
