"""Teams of PEs that keep the same positions: small cases by hand, and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers import nonzeros, placed_flow, placed_mask, rows, with_mask
from uticket.config.pruning import Balance
from uticket.config.tables import MAPPINGS, TEAM_SCORES
from uticket.hardware.cycles import layer_cycles
from uticket.mapping.placed import Placed, place_whole
from uticket.pruning.balance import balance_layer

MODES, SELECTS = ["both", "recover", "remove"], ["random", "magnitude"]
masks = hnp.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 4), st.just(3), st.just(3)))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def values(*filters: list[float]) -> np.ndarray:
    """Weights of 1x1 kernels."""
    return np.array(filters, dtype=float)[:, :, None, None]


WEIGHTS = values([5, 4, 0, 3], [0, 0, 6, 3], [1, 0, 0, 9], [0, 1, 1, 0])
KEPT = WEIGHTS > 1  # 3, 2, 1 and 0 weights


def shared(**how: object) -> np.ndarray:
    settings = {"share": 2, "select": "magnitude"} | how
    return balance_layer(placed_mask(KEPT, 4), Balance(**settings), rng(), WEIGHTS != 0, WEIGHTS)


def test_a_team_keeps_the_positions_of_the_largest_sum_of_squares():
    # ceil(6 / 4) = 2 of each filter; squares of the first team 25, 16, 36, 18, of the second 1, 1, 1, 81
    assert np.array_equal(shared(), rows("1010", "1010", "1001", "1001"))  # among equal ones the lower index


def test_a_team_may_score_by_maximum_and_by_the_weights_that_are_left():
    assert np.array_equal(shared(team_score="maximum"), rows("1010", "1010", "1001", "1001"))
    five = values([3, 3, 4, 0], [3, 3, 0, 0])
    how = {"select": "magnitude", "share": 2, "mode": "remove"}
    for score, expected in (("sum_of_squares", "1100"), ("maximum", "1010")):  # 18, 18, 16 and 3, 3, 4
        kept = balance_layer(
            placed_mask(rows("1100", "1100"), 2), Balance(team_score=score, **how), rng(), five != 0, five
        )
        assert np.array_equal(kept, rows(expected, expected))
    left = shared(team_weights="kept")  # 1 is pruned, so that the second team has one position with a score
    assert left[2:, 3].all()
    assert nonzeros(left) == [2, 2, 2, 2]


def test_in_blocks_each_filter_or_team_keeps_one_of_each_block():
    wide = values([5, 4, 0, 3, 0, 1], [0, 0, 6, 3, 0, 0])
    kept = rows("110100", "001100")
    how = {"select": "magnitude", "blocks": True, "round": "nearest"}  # (3 + 2) / 2 is 3: blocks of two positions
    found = balance_layer(placed_mask(kept, 2), Balance(**how), rng(), wide != 0, wide)
    assert np.array_equal(found[0], rows("100101")[0])
    assert found[1, 2:4, 0, 0].tolist() == [True, False]
    assert nonzeros(found) == [3, 3]
    assert nonzeros(found[:, :2]) == nonzeros(found[:, 4:]) == [1, 1]  # drawn where no weight counts
    together = balance_layer(placed_mask(kept, 2), Balance(share=2, **how), rng(), wide != 0, wide)
    assert np.array_equal(together, rows("101001", "101001"))  # squares 25, 16, 36, 18, 0, 1


@settings(deadline=None)  # compiles
@given(masks, st.integers(1, 4), st.sampled_from(SELECTS), st.integers(0, 9))
def test_blocks_keep_as_many_as_without_them_and_one_in_each(mask, pes, select, seed):
    weights = np.random.default_rng(seed).normal(size=mask.shape)
    for share in {1, pes}:
        plain, blocks = (
            balance_layer(placed_mask(mask, pes), Balance(select=select, share=share, blocks=on), rng(), mask, weights)
            for on in (False, True)
        )
        assert nonzeros(blocks) == nonzeros(plain)
        for pattern in blocks.reshape(len(mask), -1):
            places, count = np.flatnonzero(pattern), int(pattern.sum())
            assert (places * count // pattern.size).tolist() == list(range(count))


def test_positions_without_a_score_are_drawn():
    found = {shared(team_weights="kept", mode="recover").tobytes() for _ in range(3)}
    assert len(found) == 1  # the same seed
    drawn = np.zeros(4)
    for seed in range(400):
        how = Balance(share=2, select="magnitude", team_weights="kept")
        drawn += balance_layer(placed_mask(KEPT, 4), how, rng(seed), WEIGHTS != 0, WEIGHTS)[2, :, 0, 0]
    assert drawn[3] == 400
    assert np.allclose(drawn[:3] / 400, 1 / 3, atol=0.1)


def test_at_random_a_team_keeps_what_most_of_its_filters_keep_and_draws_among_the_rest():
    mask, drawn = rows("1110", "1000", "1000", "0000"), np.zeros(4)
    for seed in range(400):
        after = balance_layer(placed_mask(mask, 4), Balance(share=4, mode="recover", round="ceil"), rng(seed))
        assert nonzeros(after) == [3, 3, 3, 3]
        assert after[:, :3].all()
        after = balance_layer(placed_mask(mask, 4), Balance(share=4), rng(seed))
        assert after[:, 0].all()
        drawn += after[0, :, 0, 0]
    assert drawn[3] == 0
    assert np.allclose(drawn[1:3] / 400, 0.5, atol=0.1)


def test_magnitude_needs_weights():
    with pytest.raises(ValueError, match="weights: expected the trained weights"):
        balance_layer(placed_mask(KEPT, 4), Balance(share=2, select="magnitude"), rng())


def test_layers_that_are_not_named_do_not_share():
    placed = placed_mask(KEPT, 4)
    one, other = (balance_layer(placed, Balance(share=share), rng()) for share in (1, {"conv3": 4}))
    assert np.array_equal(one, other)
    assert np.array_equal(*(balance_layer(placed, Balance(share=share), rng()) for share in (4, {"conv": 4})))


def plain_teams(placed: Placed, share: int) -> list[list[int]]:
    """The places of each team: PEs of a group that hold as many filters, `share` of them from a multiple on."""
    places = sorted(set(placed.bins.tolist()))
    of_team: dict[tuple[int, int, int], list[int]] = {}
    for place in places:
        group, pe = divmod(place, placed.pes)
        of_team.setdefault((group, pe // share, int((placed.bins == place).sum())), []).append(place)
    return list(of_team.values())


@settings(max_examples=300, deadline=None)
@given(
    mask=masks,
    share=st.integers(2, 4),
    teams=st.integers(1, 4),
    mode=st.sampled_from(MODES),
    select=st.sampled_from(SELECTS),
    score=st.sampled_from(sorted(TEAM_SCORES)),
    scored=st.sampled_from(["trained", "kept"]),
    flow=st.sampled_from(sorted(MAPPINGS)),
    seed=st.integers(0, 9),
)
def test_laws_of_a_shared_mask(mask, share, teams, mode, select, score, scored, flow, seed):
    weights = rng(1).normal(size=mask.shape)
    given_values = {"trained": mask | (np.abs(weights) > 1), "weights": weights}
    placed = placed_flow(mask, share * teams, flow)
    how = Balance(mode=mode, select=select, share=share, team_score=score, team_weights=scored)
    before = mask.copy()
    after = balance_layer(placed, how, rng(seed), **given_values)
    assert np.array_equal(mask, before)
    assert np.array_equal(after, balance_layer(placed, how, rng(seed), **given_values))

    units = after.reshape(len(placed.group), -1)
    for team in plain_teams(placed, share):
        patterns = [units[placed.bins == place] for place in team]
        assert all(np.array_equal(patterns[0], pattern) for pattern in patterns)
    unshared = balance_layer(placed, how.model_copy(update={"share": 1}), rng(seed), **given_values)
    assert np.array_equal(with_mask(placed, after).workload, with_mask(placed, unshared).workload)


@settings(max_examples=100, deadline=None)
@given(mask=masks, share=st.integers(2, 4), mode=st.sampled_from(MODES), rounding=st.sampled_from(["ceil", "nearest"]))
def test_pes_of_teams_are_busy_in_the_analytic_model(mask, share, mode, rounding):
    how = Balance(mode=mode, share=share, round=rounding)
    filters = len(mask) // share * share
    if filters:
        after = balance_layer(placed_mask(mask[:filters], share), how, rng())
        assert layer_cycles(placed_mask(after, share)).utilization == 1.0
    whole = balance_layer(place_whole(placed_mask(mask, 1).layer, mask), how, rng())
    assert len(set(nonzeros(whole))) == 1
    for first in range(0, len(mask), share):
        assert (whole[first : first + share] == whole[first]).all()


@settings(max_examples=100, deadline=None)
@given(data=st.data(), mask=masks)
def test_the_order_of_filters_in_a_team_does_not_matter(data, mask):
    """By magnitude, without drawing: the team keeps the same positions whichever of its PEs holds which filter."""
    order = data.draw(st.permutations(range(len(mask))))
    weights = 1 + rng(2).random(mask.shape)
    how = Balance(share=len(mask), select="magnitude")
    one = balance_layer(placed_mask(mask, len(mask)), how, rng(), np.ones_like(mask), weights)
    other = balance_layer(placed_mask(mask[order], len(mask)), how, rng(), np.ones_like(mask), weights[order])
    assert np.array_equal(one, other)
