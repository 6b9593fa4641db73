"""Laws that a balanced layer obeys, whatever the mask, the array and the settings."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers import FLOWS, placed_flow, placed_mask, with_mask
from uticket.config.pruning import Balance
from uticket.config.tables import CHOICES, TARGETS
from uticket.hardware.cycles import layer_cycles
from uticket.mapping.placed import Placed, place_whole
from uticket.pruning.balance import balance_layer

MODES = ["both", "recover", "remove"]
masks = hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 4), st.just(3), st.just(3)))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def plain_targets(placed: Placed, mode: str, rounding: str = "ceil") -> dict[int, int]:
    """The number of weights of each bin after balancing: Algorithm 1, lines 6-16, in plain loops."""
    units = placed.mask.reshape(len(placed.group), -1)
    found = {}
    for g in set(placed.group.tolist()):
        places = sorted(set(placed.bins[placed.group == g].tolist()))
        sizes = {p: int(units[placed.bins == p].size) for p in places}
        counts = {p: int(units[placed.bins == p].sum()) for p in places}
        if mode == "both":
            level, total = 0, sum(counts.values())
            while sum(min(level, sizes[p]) for p in places) < total:
                level += 1
            above, below = (sum(min(n, sizes[p]) for p in places) for n in (level, level - 1))
            if rounding == "nearest" and total - below < above - total:
                level -= 1
        else:
            level = max(counts.values()) if mode == "recover" else min(counts.values())
        found |= {p: min(level, sizes[p]) for p in places}
    return found


def test_modes_are_all_that_there_are():
    assert sorted(TARGETS) == MODES


@settings(max_examples=300)
@given(
    mask=masks,
    pes=st.integers(1, 14),
    mode=st.sampled_from(MODES),
    select=st.sampled_from(sorted(CHOICES)),
    flow=st.sampled_from(FLOWS),
    rounding=st.sampled_from(["ceil", "nearest"]),
    seed=st.integers(0, 9),
)
def test_laws_of_a_balanced_mask(mask, pes, mode, select, flow, rounding, seed):
    weights = rng(1).normal(size=mask.shape)
    values = {"trained": mask | (np.abs(weights) > 1), "weights": weights}
    placed, how = placed_flow(mask, pes, flow), Balance(mode=mode, select=select, round=rounding)
    before = mask.copy()
    balanced = balance_layer(placed, how, rng(seed), **values)
    assert np.array_equal(placed.mask, before)

    held = balanced.reshape(len(placed.group), -1)
    counts = {p: int(held[placed.bins == p].sum()) for p in set(placed.bins.tolist())}
    assert counts == plain_targets(placed, mode, rounding)

    for g in range(placed.num_groups):
        of_group = [count for place, count in counts.items() if place // pes == g]
        total = int(mask.reshape(len(placed.group), -1)[placed.group == g].sum())
        if mode == "both":
            added = sum(of_group) - total
            assert 0 <= added < max(pes, 1) if rounding == "ceil" else 2 * abs(added) <= pes
    if mode == "recover":
        assert (balanced >= mask).all()
    if mode == "remove":
        assert (balanced <= mask).all()
    again = with_mask(placed, balanced)
    if flow == "contiguous" and len(mask) % pes == 0:
        cycles = layer_cycles(again)
        assert (cycles.utilization, cycles.idle_cycles) == (1.0, 0)
    assert np.array_equal(balance_layer(again, how, rng(seed + 1), **values), balanced)


@settings(max_examples=300)
@given(mask=masks, mode=st.sampled_from(MODES))
def test_scope_layer_keeps_every_divisor_of_the_filters_busy(mask, mode):
    placed = place_whole(placed_mask(mask, 1).layer, mask)
    balanced = balance_layer(placed, Balance(mode=mode), rng())
    for pes in range(1, len(mask) + 1):
        if len(mask) % pes == 0:
            assert layer_cycles(placed_mask(balanced, pes)).utilization == 1.0
