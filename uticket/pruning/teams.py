"""Teams: PEs of a group that keep the same positions, so that a token is wanted by all of them or by none.

A position is a place in what one PE holds: input channel, row and column, and with two filters on each PE the first or
the second of them.
"""

from collections.abc import Iterator

import numpy as np

from uticket.config.pruning import Balance
from uticket.config.tables import TEAM_SCORES
from uticket.mapping.placed import Bools
from uticket.mapping.policies import Ints
from uticket.pruning.bins import Bins
from uticket.pruning.choices import Values, largest


def teams(bins: Bins, share: int) -> Iterator[slice]:
    """Cut the bins of each group into teams of `share`.

    It divides all groups but the last one, whose last team may have fewer. Bins that hold fewer filters than those
    before them, or read from other channels, begin a team of their own.
    """
    begins = np.arange(len(bins.sizes)) % share == 0
    begins[1:] |= (bins.sizes[1:] != bins.sizes[:-1]) | (bins.channels[1:] != bins.channels[:-1])
    edges = np.append(np.flatnonzero(begins), len(begins)).tolist()
    return map(slice, edges[:-1], edges[1:])


def share_positions(
    bins: Bins,
    kept: Bools,
    targets: Ints,
    how: Balance,
    share: int,
    rng: np.random.Generator,
    trained: Bools,
    weights: Values | None,
) -> Bools:
    """Return a laid out mask in which all bins of a team keep the same positions, as many as their target.

    kept, trained, weights: laid out. targets: (bins,), equal within a group where sizes are. Chosen at random, a team
    keeps the positions that most of its bins keep; ties are drawn. By magnitude, it keeps those of the highest score;
    ties go to the lower index, and if there are too few with a score, others are drawn. With `how.blocks` it keeps the
    best one of each of as many equal blocks. share: 1 makes a team of each bin.
    """
    votes = how.select == "random"
    if not votes and weights is None:
        raise ValueError("weights: expected the trained weights, by which `magnitude` selects, got none")
    counted = trained if how.team_weights == "trained" else kept
    score = TEAM_SCORES[how.team_score]
    shared = np.zeros_like(kept)
    for team in teams(bins, share):
        members, begin, end = team.stop - team.start, bins.edges[team.start], bins.edges[team.stop]
        if votes:
            scores = kept[begin:end].reshape(members, -1).sum(axis=0, dtype=np.float32)
        else:
            assert weights is not None
            scores = score((weights[begin:end] * counted[begin:end]).reshape(members, -1))
        choose = _choose_in_blocks if how.blocks else _choose
        chosen = choose(scores, int(targets[team.start]), rng, votes)
        shared[begin:end].reshape(members, -1)[:, chosen] = True
    return shared


def _choose(scores: Values, count: int, rng: np.random.Generator, draw_ties: bool) -> Ints:
    """Return the `count` positions of the highest scores; those without a score are drawn."""
    scored = np.flatnonzero(scores)
    if len(scored) < count:
        others = np.flatnonzero(scores == 0)
        return np.concatenate([scored, rng.choice(others, count - len(scored), replace=False)])
    keys = scores[scored] + rng.random(len(scored)) if draw_ties else scores[scored]
    return scored[largest(keys, count)]


def _choose_in_blocks(scores: Values, count: int, rng: np.random.Generator, draw_ties: bool) -> Ints:
    """Return the position of the highest score in each of `count` blocks; where none has a score, it is drawn."""
    drawn = rng.random(len(scores))
    keys = scores + drawn if draw_ties else np.where(scores > 0, scores, drawn - 1)
    block = np.arange(len(scores)) * count // len(scores)
    order: Ints = np.lexsort((-keys, block))
    return order[np.searchsorted(block, np.arange(count))]
