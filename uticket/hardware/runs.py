"""What is sent in each tile, in order, whatever the group that it is sent to."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from uticket.config.array import Order
from uticket.hardware.tokens import Tokens
from uticket.mapping.policies import Ints


class Runs(NamedTuple):
    """Runs of tokens of the same kernel position and part of the outputs, in the order in which they are sent."""

    edges: Ints  # (tiles + 1,), where the runs of each tile begin, and the end
    key: (
        Ints  # (runs,), kernel position; from the last on: PEs that read from the n-th group of channels change weights
    )
    copy: Ints  # (runs,), of the group
    begin: Ints  # (runs,), its first token, and the end
    end: Ints


def runs_of(tokens: Tokens, copies: int, order: Order, swaps: bool, channel_groups: int) -> Runs:
    """Return what one sender, or each of several alike, sends in its tiles.

    copies: of the group that a sender serves; tile t has the parts from t * copies on. swaps: with a change of weights
    before each input channel, with tokens or without: a token of its own, after those of `tokens`. channel_groups: of
    the convolution.
    """
    key, part, begin, end = ORDERS[order](tokens, copies)
    keys, parts = tokens.num.shape
    tile, copy = np.divmod(part, copies)
    if swaps:
        channels = keys // tokens.kernel
        changes = np.arange(parts // copies * channels)
        before = np.searchsorted(tile * channels + key // tokens.kernel, changes)
        key_of_change = keys + changes % channels // (channels // channel_groups)
        change = changes // channels, key_of_change, 0, len(tokens.cost), len(tokens.cost) + 1
        of_runs = tile, key, copy, begin, end
        tile, key, copy, begin, end = (np.insert(of, before, new) for of, new in zip(of_runs, change, strict=True))
    return Runs(np.searchsorted(tile, np.arange(parts // copies + 1)), key, copy, begin, end)


def by_position(tokens: Tokens, copies: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return key, part, first token and end of runs, tile by tile, kernel position by kernel position and by copy."""
    keys, parts = tokens.num.shape
    run = np.arange(keys * parts).reshape(keys, -1, copies).swapaxes(0, 1).ravel()
    run = run[tokens.num.ravel()[run] > 0]
    return *np.divmod(run, parts), tokens.begin.ravel()[run], tokens.end.ravel()[run]


def by_activation(tokens: Tokens, copies: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the same tile by tile, activation by activation, each with all of its kernel positions: by token."""
    token = np.lexsort((tokens.key, tokens.source, tokens.part // copies))
    return tokens.key[token], tokens.part[token], token, token + 1


ORDERS: dict[Order, Callable[[Tokens, int], tuple[Ints, Ints, Ints, Ints]]] = {
    "position": by_position,
    "activation": by_activation,
}
