"""Balancing: the same number of weights for the PEs that run at the same time.

A bin is what one PE holds in one group: a filter, two paired filters, or a slice of the channels of a filter. The mode
decides how many weights each bin ends with; the choice, or the team that shares positions, which ones.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from uticket.base.arrays import Lazy
from uticket.base.errors import InputError
from uticket.base.seeds import generator
from uticket.config.array import Array
from uticket.config.pruning import Balance
from uticket.config.tables import TARGETS
from uticket.mapping.placed import Bools, Placed, filters_of, parts_of, place, place_whole
from uticket.pruning.alike import with_alike_teams
from uticket.pruning.bins import Bins
from uticket.pruning.budget import within_budget
from uticket.pruning.choices import CHOICES, Values
from uticket.pruning.teams import share_positions
from uticket.ticket.layer import Layer
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket


def balance(
    ticket: Ticket,
    array: Array | None = None,
    how: Balance | None = None,
    seed: int = 0,
    *,
    trained: Mask | None = None,
    purpose: Sequence[str | int] = ("balance",),
) -> Ticket:
    """Give the PEs equal work: balance the layers that run on the PEs; all other layers stay as they are.

    array: whose groups are balanced, by default 16 PEs. how: by default the paper's way (`uticket.config.pruning`).
    With the scope `layer` the array does not matter: all filters of a layer end with the same number of weights, so
    that they keep any number of PEs busy that divides the filters. seed, purpose: with the name of the layer, all that
    random choices depend on. trained: the mask before pruning, whose weights have trained values; by default the
    ticket's.
    Returns a new ticket with another mask. Raises InputError if weights are chosen by magnitude and there are none, or
    if positions are to be shared where that cannot be.
    """
    array, how = array or Array(), how or Balance()
    given, ticket = ticket, ticket.on_array(array)
    trained = ticket.mask if trained is None else trained
    _check_layers(how, ticket)
    if how.select == "magnitude" and ticket.weights is None:
        raise InputError("select: expected weights, by which magnitude selects, got 0/1 masks")
    if how.scope == "group" or how.share_budget is not None:
        how.check_on(array)
    if how.scope == "group":
        placed = place(ticket, array.model_copy(update={"weight_bits": None}), trained)
    else:
        placed = tuple(_place_whole(layer, ticket, how, trained) for layer in ticket.on_pes)

    def balanced(one: Placed, how: Balance) -> Bools:
        name = one.layer.name
        values = None if ticket.weights is None else ticket.weights[name]
        return balance_layer(one, how, generator(seed, *purpose, name), trained[name], values)

    if how.share_budget is not None:
        assert ticket.weights is not None
        held = {name: ticket.weights[name] * trained[name] for name in (one.layer.name for one in placed)}
        how = within_budget(placed, how, balanced, held, ticket.spike_sparsity or {})
    if how.team == "alike":
        placed = with_alike_teams(placed, how, trained, ticket.weights)
    return replace(given, mask=ticket.mask.replace(Lazy({n.layer.name: partial(balanced, n, how) for n in placed})))


def _check_layers(how: Balance, ticket: Ticket) -> None:
    names = [layer.name for layer in ticket.on_pes]
    for name in how.share if isinstance(how.share, dict) else ():
        if name not in names:
            raise InputError(f"share: expected layers on the PEs ({', '.join(names)}), got {name!r}")


def _place_whole(layer: Layer, ticket: Ticket, how: Balance, trained: Mask) -> Placed:
    """Put a layer on a PE for each filter, those of a team that it has next to each other."""
    placed = place_whole(layer, ticket.mask[layer.name])
    if how.share_of(layer.name) == 1:
        return placed
    return placed.in_order(filters_of(placed.nonzeros, parts_of(layer, ticket.on_pes), trained).by_pattern)


def balance_layer(
    placed: Placed, how: Balance, rng: np.random.Generator, trained: Bools | None = None, weights: Values | None = None
) -> Bools:
    """Give the PEs of each group the same number of weights.

    PEs of a group that hold no filter are left out; a slice too small for the target keeps all of its weights, and the
    other slices share the rest. A group without weights stays so. With `share` above 1, teams of PEs keep the same
    positions, and with `blocks` one in each block (`uticket.pruning.teams`). rng: draws all random choices. trained,
    weights: of the shape of the mask, as in `balance`.
    Returns a new mask. With the mode `both` a group gains fewer weights than it has PEs; rounded to the nearest, it
    gains or loses at most half as many.
    Source: Yin et al. 2024, Algorithm 1, lines 6-16; scope and rounding as in its published code (group of n
    consecutive filters, ceiling). Differs in: short groups and unequal slices, which fail there.
    """
    bins = Bins.of(placed)
    mask = placed.mask
    kept = bins.flat(mask)
    counts = bins.count_ones(kept)
    targets = np.minimum(TARGETS[how.mode](counts, bins.sizes, bins.group, how.round)[bins.group], bins.sizes)
    trained, share = mask if trained is None else trained, how.share_of(placed.layer.name)
    if share > 1 or how.blocks:
        values = None if weights is None else bins.flat(weights)
        return bins.unflat(share_positions(bins, kept, targets, how, share, rng, bins.flat(trained), values))
    chosen = CHOICES[how.select](bins, kept, trained, weights, rng)
    balanced = kept.copy()
    balanced[chosen.removed(np.maximum(counts - targets, 0))] = False
    balanced[chosen.recovered(np.maximum(targets - counts, 0))] = True
    return bins.unflat(balanced)
