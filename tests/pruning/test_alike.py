"""Which filters form a team: those that are most alike."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import layer_of, rows
from uticket.base.errors import InputError
from uticket.config.array import Array
from uticket.config.pruning import Balance
from uticket.hardware.audit import audit
from uticket.mapping.placed import place
from uticket.pruning.alike import team_order
from uticket.pruning.balance import balance
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket

ON = Array(pes=4, mapping="patterns")
APART = rows("1100", "0011", "1100", "0011", "1010", "0101", "0101", "1010")  # pairs that do not stand together
NOTHING = np.zeros_like(APART)


def teams_of(order: np.ndarray, share: int) -> list[list[int]]:
    return [sorted(order[first : first + share].tolist()) for first in range(0, len(order), share)]


def alike_within(likeness: np.ndarray, teams: list[list[int]]) -> int:
    return sum(int(likeness[one, other]) for team in teams for one in team for other in team if one < other)


@st.composite
def likenesses(draw) -> tuple[np.ndarray, np.ndarray, int]:
    """The likeness of some filters, an order to start from, and the size of teams."""
    filters = draw(st.integers(1, 14))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    values = rng.integers(0, 4, (filters, 6))
    return values @ values.T, rng.permutation(filters), draw(st.integers(1, 5))


@settings(max_examples=300, deadline=None)
@given(likenesses())
def test_no_exchange_of_two_filters_would_make_teams_more_alike(case):
    likeness, start, share = case
    before = likeness.copy()
    order = team_order(likeness, start, share)
    assert np.array_equal(likeness, before)
    teams = teams_of(order, share)
    assert sorted(order.tolist()) == list(range(len(start)))
    assert [team[0] for team in teams[:-1]] == sorted(team[0] for team in teams[:-1])
    assert order.tolist() == list(chain(*teams))
    reached = alike_within(likeness, teams)
    assert reached >= alike_within(likeness, teams_of(start, share))
    for other in exchanged(teams):
        assert alike_within(likeness, other) <= reached


def exchanged(teams: list[list[int]]) -> Iterator[list[list[int]]]:
    """Yield the teams with each pair of filters exchanged."""
    filters = list(chain(*teams))
    for one in filters:
        for other in filters:
            swapped = {one: other, other: one}
            yield [[swapped.get(f, f) for f in team] for team in teams]


def test_a_team_that_is_short_stands_last():
    likeness = np.array([[9, 0, 8], [0, 9, 0], [8, 0, 9]])
    assert team_order(likeness, np.arange(3), 2).tolist() == [0, 2, 1]
    likeness = np.array([[9, 0, 0], [0, 9, 8], [0, 8, 9]])
    assert team_order(likeness, np.arange(3), 2).tolist() == [1, 2, 0]


def test_teams_stay_as_they_are_if_no_others_are_more_alike():
    assert team_order(np.ones((4, 4), dtype=int), np.array([3, 0, 1, 2]), 2).tolist() == [0, 3, 1, 2]


@pytest.mark.parametrize("scope", ["group", "layer"])
def test_teams_that_are_alike_keep_what_they_share(scope):
    dense = Mask({"a": np.ones_like(APART)})  # before pruning, no filter shares with one and not with another
    ticket = Ticket.from_arrays({"a": APART})
    found = balance(ticket, ON, Balance(share=2, team="alike", scope=scope), trained=dense)
    assert np.array_equal(found.mask["a"], APART)
    kept = balance(ticket, ON, Balance(share=2, scope=scope), trained=dense).mask["a"]
    assert (kept & APART).sum() == 8  # half of them


def test_magnitudes_of_the_weights_that_are_scored_say_what_is_alike():
    weights = np.array([[9, 0, 2, 0], [0, 9, 2, 0], [9, 0, 0, 2], [0, 9, 0, 2]], dtype=float)[:, :, None, None]
    mask = rows("0010", "0010", "0001", "0001")  # all that pruning left: 0 and 1 are the same, and 2 and 3
    ticket = replace(Ticket.from_arrays({"a": weights}), mask=Mask({"a": mask}))
    for scored, together in (("trained", [[0, 2], [1, 3]]), ("kept", [[0, 1], [2, 3]])):
        how = Balance(share=2, team="alike", select="magnitude", team_weights=scored)
        after = balance(ticket, ON, how, trained=Mask({"a": weights != 0})).mask["a"]
        for one, other in together:
            assert np.array_equal(after[one], after[other])
        assert not np.array_equal(after[0], after[3])


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 999),
    share=st.sampled_from([2, 4]),
    filters=st.integers(1, 14),
    scope=st.sampled_from(["group", "layer"]),
    select=st.sampled_from(["random", "magnitude"]),
)
def test_the_mapping_finds_the_teams_again(seed, share, filters, scope, select):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(filters, 9, 3, 3))
    trained = Mask({"a": rng.random(weights.shape) < 0.6})
    pruned = Mask({"a": trained["a"] & (rng.random(weights.shape) < 0.5)})
    ticket = replace(Ticket.from_arrays({"a": weights}), mask=pruned)
    how = Balance(share=share, team="alike", scope=scope, select=select)
    after = balance(ticket, ON, how, seed, trained=trained)
    (placed,) = place(after, ON)
    order = placed.order
    for first in range(0, filters, share):
        assert len({after.mask["a"][f].tobytes() for f in order[first : first + share]}) == 1
    if filters % 4 == 0:
        assert audit(after, ON).utilization == 1.0
    kept = balance(replace(after, weights=None), ON, Balance(share=share, scope=scope)).mask  # teams as they are
    assert np.array_equal(kept["a"], after.mask["a"])


def test_layers_whose_outputs_are_added_have_the_same_teams():
    layers = [layer_of(8, 4, kernel=(1, 1), padding=(0, 0), name=name, adds_to="sum") for name in ("one", "two")]
    other = APART[[1, 0, 3, 2, 4, 5, 7, 6]]  # alike in the same pairs but for 4 .. 7
    ticket = Ticket(layers, {"one": APART, "two": other})
    after = balance(ticket, ON, Balance(share=2, team="alike"))
    one, two = place(after, ON)
    assert one.bins.tolist() == two.bins.tolist()
    for placed in (one, two):
        assert placed.bins[:4].tolist() == [0, 2, 1, 3]
        patterns = placed.mask[placed.order]
        assert np.array_equal(patterns[::2], patterns[1::2])
    for first, second in ((APART, NOTHING), (NOTHING, APART)):  # either layer decides alone
        parts = Ticket(layers, {"one": first, "two": second})
        dense = Mask(dict.fromkeys(("one", "two"), np.ones_like(APART)))
        alone = balance(parts, ON, Balance(share=2, team="alike"), trained=dense)
        assert np.array_equal(alone.mask["one"] | alone.mask["two"], APART)
    with pytest.raises(InputError, match="share: expected the same number in the layers one, two, .*, got 1, 2"):
        balance(ticket, ON, Balance(share={"two": 2}, team="alike"))


def test_teams_of_other_filters_need_a_mapping_that_finds_them():
    for mapping in ("contiguous", "sorted", "paired"):
        with pytest.raises(InputError, match=f"team: expected consecutive with the mapping {mapping} .*, got alike"):
            balance(Ticket.from_arrays({"a": APART}), Array(mapping=mapping), Balance(share=2, team="alike"))
    same = balance(Ticket.from_arrays({"a": APART}), how=Balance(team="alike")).mask["a"]
    assert np.array_equal(same, balance(Ticket.from_arrays({"a": APART})).mask["a"])


@pytest.mark.parametrize("scope", ["group", "layer"])
def test_later_rounds_can_keep_the_teams_that_an_early_one_formed(scope):
    rng = np.random.default_rng(0)
    first = balance(Ticket.from_arrays({"a": APART}), ON, Balance(share=2, team="alike", scope=scope)).mask
    pruned = Ticket.from_arrays({"a": first["a"] & (rng.random(APART.shape) < 0.5)})
    after = balance(pruned, ON, Balance(share=2, scope=scope), trained=first).mask["a"]
    for one, other in ((0, 2), (1, 3), (4, 7), (5, 6)):
        assert np.array_equal(after[one], after[other])
