"""Sharing where it pays: how many PEs of each layer form a team, within a budget (`balance.METHOD.share_budget`).

Sharing costs magnitude, because a team keeps positions that not all of its filters would choose. It saves tokens: those
that at least one PE of a group wants, each of which takes a cycle of every PE if there are no FIFOs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from uticket.base.progress import log
from uticket.config.pruning import Balance
from uticket.mapping.placed import Bools, Placed, parts_of
from uticket.pruning.bins import Bins
from uticket.pruning.choices import Values

Balanced = Callable[[Placed, Balance], Bools]  # the mask of a layer, balanced in this way


@dataclass(frozen=True)
class Outcome:
    """What teams of one size do in some layers: the magnitude that is kept, and the tokens that are wanted."""

    share: int
    magnitude: float
    tokens: float


def within_budget(
    placed: Sequence[Placed],
    how: Balance,
    balanced: Balanced,
    weights: Mapping[str, Values],
    spike_sparsity: Mapping[str, float],
) -> Balance:
    """Choose the PEs of a team for each layer, from 1 to `how.share`; return the settings with these numbers.

    Starting from no teams, the step to larger ones in a layer that saves the most tokens for the magnitude it costs is
    taken first, and steps are taken as long as all of them together cost at most `how.share_budget` of the magnitude
    that balancing without teams keeps. Layers whose outputs are added take a step together. weights: as in `balance`,
    whose values at pruned positions count too if they were trained. spike_sparsity: layer -> share of its inputs
    without a spike; where it is not known, all layers count as if they had the same.
    """
    assert how.share_budget is not None
    assert isinstance(how.share, int)
    layers, by_name = [one.layer for one in placed], {one.layer.name: one for one in placed}
    choices: dict[tuple[str, ...], list[Outcome]] = {}
    for one in placed:
        parts = tuple(part.name for part in parts_of(one.layer, layers))
        if parts not in choices:
            outcomes = [_outcomes(by_name[name], how, balanced, weights[name], spike_sparsity) for name in parts]
            choices[parts] = [_together(same) for same in zip(*outcomes, strict=True)]
    free = {parts: outcomes[0] for parts, outcomes in choices.items()}
    left = how.share_budget * sum(one.magnitude for one in free.values())
    chosen = _climb(choices, free, left)
    shares = {name: one.share for parts, one in chosen.items() for name in parts}
    log.info(
        "share   %s; %.1f %% of the magnitude and %.1f %% of the tokens of balancing without teams",
        ", ".join(f"{name} {share}" for name, share in shares.items()),
        *(100 * part for part in _parts(chosen, free)),
    )
    return how.model_copy(update={"share": shares, "share_budget": None})


def _outcomes(
    placed: Placed, how: Balance, balanced: Balanced, weights: Values, spike_sparsity: Mapping[str, float]
) -> list[Outcome]:
    """Return what each size of teams does in a layer, the smallest first."""
    name, magnitudes, bins = placed.layer.name, np.abs(weights), Bins.of(placed)
    rate = placed.layer.positions * (1 - spike_sparsity.get(name, 0.0))
    outcomes = []
    for share in divisors(how.share if isinstance(how.share, int) else 1):
        mask = balanced(placed, how.model_copy(update={"share": share, "share_budget": None}))
        outcomes.append(Outcome(share, float(magnitudes[mask].sum(dtype=np.float64)), rate * wanted(bins, mask)))
    return outcomes


def divisors(number: int) -> Iterator[int]:
    """Count through the divisors of a number, from 1 on."""
    return (share for share in range(1, number + 1) if number % share == 0)


def wanted(bins: Bins, mask: Bools) -> int:
    """Count the positions that at least one PE keeps, group by group."""
    flat, total = bins.flat(mask), 0
    for first, stop in zip(*_runs(bins), strict=True):
        held = flat[bins.edges[first] : bins.edges[stop]].reshape(stop - first, -1)
        total += int(held.any(axis=0).sum())
    return total


def _runs(bins: Bins) -> tuple[list[int], list[int]]:
    """Return where bins of the same group and size, which read from the same channels, begin and end."""
    changes = np.flatnonzero(np.any([np.diff(of) != 0 for of in (bins.group, bins.sizes, bins.channels)], axis=0)) + 1
    edges = [0, *changes.tolist(), len(bins.sizes)]
    return edges[:-1], edges[1:]


def _parts(some: Mapping[Any, Outcome], others: Mapping[Any, Outcome]) -> Iterator[float]:
    """Return magnitude and tokens as parts of those of `others`."""
    for field in ("magnitude", "tokens"):
        ours, theirs = (sum(getattr(one, field) for one in outcomes.values()) for outcomes in (some, others))
        yield ours / theirs if theirs else 1.0


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(outcomes[0].share, sum(one.magnitude for one in outcomes), sum(one.tokens for one in outcomes))


def _climb(
    choices: Mapping[tuple[str, ...], Sequence[Outcome]], free: Mapping[tuple[str, ...], Outcome], left: float
) -> dict[tuple[str, ...], Outcome]:
    """Take the steps that `within_budget` describes. left: magnitude that may be lost."""
    chosen = dict(free)
    while True:
        best, most = None, 0.0
        for parts, outcomes in choices.items():
            now = chosen[parts]
            for one in outcomes:
                saved, cost = now.tokens - one.tokens, max(now.magnitude - one.magnitude, 0.0)
                worth = saved / cost if cost else np.inf
                if one.share > now.share and saved > 0 and cost <= left and worth > most:
                    best, most = (parts, one, cost), worth
        if best is None:
            return chosen
        parts, one, cost = best
        chosen[parts] = one
        left -= cost
