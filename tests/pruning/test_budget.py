"""How many PEs form a team, within a budget: a case by hand, and laws."""

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import placed_mask, rows
from uticket.base.errors import InputError
from uticket.config.array import Array
from uticket.config.pruning import Balance, BalancePath
from uticket.pruning.balance import balance
from uticket.pruning.bins import Bins
from uticket.pruning.budget import wanted
from uticket.ticket.layer import Layer
from uticket.ticket.ticket import Ticket


def ticket_of(**weights: np.ndarray) -> Ticket:
    return Ticket.from_arrays({name: values.astype(float)[:, :, None, None] for name, values in weights.items()})


def same(one: Ticket, other: Ticket) -> bool:
    return all(np.array_equal(one.mask[name], other.mask[name]) for name in one.mask)


def budget(share: int, part: float) -> Balance:
    return Balance(select="magnitude", share=share, share_budget=part)


def test_wanted_counts_the_positions_of_each_group_that_some_pe_keeps():
    mask = rows("1100", "1010", "0001", "0001", "0000")
    assert wanted(Bins.of(placed_mask(mask, 2)), mask) == 3 + 1 + 0
    assert wanted(Bins.of(placed_mask(mask, 4)), mask) == 4 + 0
    assert wanted(Bins.of(placed_mask(mask, 1)), mask) == mask.sum()


def test_the_cheapest_step_per_token_is_taken_first_and_the_budget_ends_it(caplog):
    near = np.array([[9, 8, 0, 0], [8.5, 0, 8, 0]])  # together 9 + 8 and 8.5 + 0: costs 8 for 1 of 3 tokens
    equal = np.array([[9, 8, 0, 0], [9, 8, 0, 0]])  # saves nothing
    cheap = np.array([[9, 1, 0, 0], [9, 0, 1, 0]])  # costs 1 for 1 token
    ticket = ticket_of(near=near, equal=equal, cheap=cheap)
    for part, wanted_shares in (
        (0.0, {}),
        (0.013, {"cheap": 2}),
        (0.09, {"cheap": 2}),
        (0.11, {"cheap": 2, "near": 2}),
    ):
        with caplog.at_level(logging.INFO):
            chosen = balance(ticket, Array(pes=2), budget(2, part))
        expected = balance(ticket, Array(pes=2), Balance(select="magnitude", share=wanted_shares or 1))
        assert same(chosen, expected)
    assert "near 2, equal 1, cheap 2; 89.7 % of the magnitude and 75.0 % of the tokens" in caplog.messages[-1]


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 99), st.floats(0, 1), st.sampled_from([2, 4]))
def test_no_more_is_lost_than_the_budget_and_never_are_more_tokens_wanted(seed, part, share):
    rng = np.random.default_rng(seed)
    weights = {name: rng.normal(size=(8, 6)) * (rng.random((8, 6)) < 0.4) for name in ("a", "b")}
    ticket, array = ticket_of(**weights), Array(pes=4)

    def kept(how: Balance) -> tuple[float, int]:
        masks = balance(ticket, array, how).mask
        magnitude = sum(np.abs(ticket.weights[name][mask]).sum() for name, mask in masks.items())
        return magnitude, sum(wanted(Bins.of(placed_mask(mask, 4)), mask) for mask in masks.values())

    free, chosen = kept(Balance(select="magnitude")), kept(budget(share, part))
    assert chosen[0] >= (1 - part) * free[0] - 1e-9
    assert chosen[1] <= free[1]
    if part == 1:
        assert chosen[1] <= kept(Balance(select="magnitude", share=share))[1]


def test_layers_with_more_spikes_and_positions_come_first():
    pair = np.array([[9, 1, 0, 0], [9, 0, 1, 0]])
    ticket = ticket_of(one=pair, other=pair)
    how = budget(2, 0.026)  # of 40: one step
    shared = balance(ticket, Array(pes=2), Balance(select="magnitude", share={"other": 2}))
    larger = ticket.with_positions({"other": 9})
    assert same(balance(larger, Array(pes=2), how), shared)
    busier = Ticket(ticket.layers, ticket.mask, ticket.weights, spike_sparsity={"one": 0.9, "other": 0.2})
    assert same(balance(busier, Array(pes=2), how), shared)
    assert not same(balance(ticket, Array(pes=2), how), shared)


def test_layers_whose_outputs_are_added_take_a_step_together():
    pair = np.array([[9, 1, 0, 0], [9, 0, 1, 0]])
    loose = ticket_of(one=pair, other=pair)
    layers = [Layer.of_shape(layer.name, (2, 4, 1, 1)).model_copy(update={"adds_to": "sum"}) for layer in loose.layers]
    tied = Ticket(layers, loose.mask, loose.weights)
    how = budget(2, 0.026)
    one_step = balance(tied, Array(pes=2), how)
    assert same(one_step, balance(tied, Array(pes=2), Balance(select="magnitude")))
    both = balance(tied, Array(pes=2), budget(2, 0.06))
    assert same(both, balance(tied, Array(pes=2), Balance(select="magnitude", share=2)))
    assert not same(both, one_step)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": {"a": 2}}, "share: expected the largest team, one number, with share_budget"),
        ({"share": 2, "scope": "layer"}, "scope: expected group with share_budget, got layer"),
        ({"share": 2, "select": "random"}, "select: expected magnitude with share_budget, got random"),
    ],
)
def test_settings_that_do_not_go_together_are_reported(settings, message):
    how = Balance(**{"select": "magnitude", "share_budget": 0.1} | settings)
    with pytest.raises(InputError, match=message):
        balance(ticket_of(a=2 * np.eye(4)), Array(pes=4), how)


def test_a_budget_decides_nothing_where_nothing_is_shared():
    path = BalancePath(select="magnitude", share=(1, 4), share_budget=0.1)
    assert path.in_round(1).share_budget is None
    assert path.in_round(2).share_budget == 0.1
