import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers import FLOWS, placed_flow, rows
from uticket.pruning.bins import Bins

masks = hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 4), st.just(3), st.just(3)))


@settings(max_examples=300)
@given(mask=masks, pes=st.integers(1, 14), flow=st.sampled_from(FLOWS))
def test_bins_hold_the_weights_of_their_pe(mask, pes, flow):
    placed = placed_flow(mask, pes, flow)
    bins = Bins.of(placed)
    units = mask.reshape(len(placed.group), -1)
    flat = bins.flat(mask)
    assert np.array_equal(bins.unflat(flat), mask)
    for b, place in enumerate(sorted(set(placed.bins.tolist()))):
        expected = units[placed.bins == place].ravel()
        assert np.array_equal(flat[bins.edges[b] : bins.edges[b + 1]], expected)
        assert bins.count_ones(flat)[b] == expected.sum()
        assert bins.group[b] == place // placed.pes
        assert bins.sizes[b] == expected.size
    positions = np.flatnonzero(flat)
    assert bins.count(positions).tolist() == bins.count_ones(flat).tolist()
    assert np.bincount(bins.bin_of(positions), minlength=len(bins.sizes)).tolist() == bins.count_ones(flat).tolist()


def test_two_filters_of_a_pe_stand_together():
    placed = placed_flow(rows("1111", "1110", "1100", "1000"), 2, "paired")
    bins = Bins.of(placed)
    numbers = bins.flat(np.arange(16).reshape(4, 4, 1, 1))
    assert numbers.tolist() == [0, 1, 2, 3, 12, 13, 14, 15, 4, 5, 6, 7, 8, 9, 10, 11]
    assert (bins.edges.tolist(), bins.group.tolist()) == ([0, 8, 16], [0, 0])
    assert bins.bin_of(np.array([0, 7, 8, 15])).tolist() == [0, 0, 1, 1]


def test_weights_that_stand_in_order_are_not_copied():
    mask = rows("10", "01")
    assert np.shares_memory(Bins.of(placed_flow(mask, 2, "contiguous")).flat(mask), mask)
