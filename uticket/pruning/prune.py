"""Pruning: which of the weights that are left are removed in a round."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.config.pruning import PruneScope
from uticket.config.tables import SCORES
from uticket.pruning.choices import largest
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

Bools = NDArray[np.bool_]
Scores = Mapping[str, NDArray[np.floating]]  # layer -> array of the shape of its mask; larger is kept first


def prune(ticket: Ticket, fraction: float, score: str = "magnitude", scope: PruneScope = "global") -> Ticket:
    """Remove the `fraction` of the kept weights that have the smallest scores, of all layers.

    fraction: in [0, 1). score: a name of `uticket.pruning.scores`. scope: of the network, or of each layer.
    Returns a new ticket with another mask; its weights keep the values of those just pruned, which balancing may
    recover. Raises InputError, naming the layer, if the ticket lacks weights.
    """
    weights = ticket.weights or {}
    for layer in ticket.layers:
        if layer.name not in weights:
            raise InputError(f"weights: expected trained weights of the layer {layer.name!r}, got none")
    if not 0 <= fraction < 1:
        raise InputError(f"fraction: expected a share of the kept weights in [0, 1), got {fraction}")
    score_of = SCORES.named(score, "score")
    scores = {name: score_of(weights[name]) for name in ticket.mask}
    return replace(ticket, mask=prune_mask(ticket.mask, scores, fraction, scope))


def prune_mask(mask: Mask, scores: Scores, fraction: float, scope: PruneScope = "global") -> Mask:
    """Remove the `fraction` of the kept weights whose scores are smallest.

    fraction: in [0, 1); the number removed is rounded to the nearest whole weight, counted over all layers (scope
    `global`) or in each layer (scope `layer`). Ties go to the lower index (layer order, then C order): it is kept.
    Returns a new mask. Raises ValueError, naming the layer, on another shape or on NaN or infinite scores.
    Source: Yin et al. 2024, Algorithm 1, line 5.
    """
    of_kept = {name: _scores_of_kept(name, kept, scores[name]) for name, kept in mask.items()}
    if scope == "layer":
        stays = {name: _without_smallest(values, fraction) for name, values in of_kept.items()}
    else:
        together = _without_smallest(np.concatenate(list(of_kept.values())), fraction)
        ends = np.cumsum([values.size for values in of_kept.values()])[:-1]
        stays = dict(zip(of_kept, np.split(together, ends), strict=True))
    return Mask({name: _narrowed(kept, stays[name]) for name, kept in mask.items()})


def _scores_of_kept(name: str, kept: Bools, scores: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the scores of the kept weights, in C order."""
    if scores.shape != kept.shape:
        raise ValueError(f"layer {name!r}: expected scores of shape {kept.shape}, got {scores.shape}")
    of_kept = scores[kept]
    if not np.isfinite(of_kept).all():
        raise ValueError(f"layer {name!r}: expected finite scores, got NaN or infinity")
    return of_kept


def _without_smallest(scores: NDArray[np.floating], fraction: float) -> Bools:
    return largest(scores, scores.size - round(fraction * scores.size))


def _narrowed(kept: Bools, stays: Bools) -> Bools:
    """Return `kept` without the kept weights that do not stay."""
    narrowed = np.zeros_like(kept)
    narrowed[kept] = stays
    return narrowed
