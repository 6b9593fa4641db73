"""Which filters form a team: those whose weights are most alike, anywhere in a layer (`balance.METHOD.team: alike`)."""

from collections.abc import Mapping, Sequence

import numpy as np

from uticket.base.compiled import compiled
from uticket.base.errors import InputError
from uticket.config.pruning import Balance
from uticket.mapping.placed import Bools, Placed, parts_of
from uticket.mapping.policies import Ints
from uticket.pruning.choices import Values

LARGEST_SUM = 2.0**23  # of products: whole numbers up to twice that are exact in single precision


def with_alike_teams(
    placed: Sequence[Placed], how: Balance, trained: Mapping[str, Bools], weights: Mapping[str, Values] | None
) -> tuple[Placed, ...]:
    """Permute the filters of each layer so that those of a team are alike.

    Filters are as alike as the sum of the products of their magnitudes: of kept weights (0 or 1) if balancing selects
    at random, else of those that it scores. Starts from the teams of the order in which filters are placed. Layers
    whose outputs are added are permuted together.
    Raises InputError if such layers have teams of different sizes, or a layer with teams is a grouped convolution.
    """
    by_name, layers = {one.layer.name: one for one in placed}, [one.layer for one in placed]
    orders: dict[str, Ints] = {}
    for one in placed:
        parts = [part.name for part in parts_of(one.layer, layers)]
        shares = {how.share_of(part) for part in parts}
        if len(shares) > 1:
            expected = f"the same number in the layers {', '.join(parts)}, whose outputs are added"
            raise InputError(f"share: expected {expected}, got {', '.join(map(str, sorted(shares)))}")
        (share,) = shares
        if share > 1 and one.layer.groups > 1:
            expected = "expected consecutive in a grouped convolution, whose filters read different channels"
            raise InputError(f"team: {expected} (layer {one.layer.name!r}), got alike")
        if parts[0] not in orders and share > 1:
            likeness = np.sum([_likeness(by_name[part], how, trained, weights) for part in parts], axis=0)
            orders[parts[0]] = team_order(likeness, one.order, share)
        orders.setdefault(parts[0], one.order)
    return tuple(one.in_order(orders[parts_of(one.layer, layers)[0].name]) for one in placed)


def _likeness(placed: Placed, how: Balance, trained: Mapping[str, Bools], weights: Mapping[str, Values] | None) -> Ints:
    """Return the sums of products of all pairs of filters of a layer, shape (filters, filters).

    Magnitudes are rounded to whole steps, so small that all sums are exact in single precision: they, and so the teams,
    do not depend on the order in which a machine adds.
    """
    name, filters = placed.layer.name, placed.layer.filters
    if how.select == "random" or weights is None:
        rows = placed.mask.reshape(filters, -1).astype(np.float32)
    else:
        counted = trained[name] if how.team_weights == "trained" else placed.mask
        rows = np.abs(weights[name] * counted).reshape(filters, -1).astype(np.float32)
        largest = float(np.square(rows).sum(axis=1, dtype=np.float64).max(initial=0)) or 1.0
        rows = np.rint(rows * np.float32(np.sqrt(LARGEST_SUM / largest)))
    return (rows @ rows.T).astype(np.int64)


def team_order(likeness: Ints, order: Ints, share: int) -> Ints:
    """Return the filters team by team, so that those of a team are alike.

    Teams stand in the order of their first filters, a short one last. likeness: (filters, filters), symmetric. order:
    (filters,), of which each `share` consecutive ones are a team at the start. Filter by filter, each changes places
    with the one of another team that makes the teams most alike, until no change does.
    """
    filters = np.arange(len(order))
    team = np.empty_like(order)
    team[order] = filters // share
    _exchange(likeness, team, np.array([likeness[team == number].sum(axis=0) for number in range(team.max() + 1)]))
    first = np.full(team.max() + 1, len(order))
    np.minimum.at(first, team, filters)
    first[np.bincount(team) < share] = len(order)
    return np.lexsort((filters, first[team]))


@compiled
def _exchange(likeness: Ints, team: Ints, of_team: Ints) -> None:
    """Change `team` in place; of_team: (teams, filters), the likeness of a filter to all of a team."""
    changed = True
    while changed:
        changed = False
        for one in range(len(team)):
            here = team[one]
            to_others = of_team[here, one] - likeness[one, one]
            most, partner = 0, -1
            for other in range(len(team)):
                there = team[other]
                if there == here:
                    continue
                gain = of_team[there, one] - to_others - 2 * likeness[one, other]
                gain += of_team[here, other] - of_team[there, other] + likeness[other, other]
                if gain > most:
                    most, partner = gain, other
            if partner >= 0:
                there = team[partner]
                team[one], team[partner] = there, here
                moved = likeness[partner] - likeness[one]
                of_team[here] += moved
                of_team[there] -= moved
                changed = True
