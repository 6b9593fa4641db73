import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers import placed_mask
from uticket.pruning.bins import Bins
from uticket.pruning.draw import draw

masks = hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 4), st.just(3), st.just(3)))


def bins_of(mask: np.ndarray, pes: int) -> Bins:
    return Bins.of(placed_mask(mask, pes))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(max_examples=300, deadline=None)
@given(mask=masks, pes=st.integers(1, 14), wanted=st.booleans(), data=st.data(), seed=st.integers(0, 99))
def test_draw_takes_that_number_of_different_positions_of_each_bin(mask, pes, wanted, data, seed):
    bins = bins_of(mask, pes)
    flat = bins.flat(mask)
    fitting = [np.flatnonzero(flat[a:b] == wanted) + a for a, b in pairwise(bins.edges)]
    counts = np.array([data.draw(st.integers(0, len(positions))) for positions in fitting])
    drawn = draw(flat, wanted, bins, counts, rng(seed)).tolist()
    assert len(set(drawn)) == len(drawn) == counts.sum()
    assert [len(set(drawn) & set(positions.tolist())) for positions in fitting] == counts.tolist()


def test_draw_is_even_over_sets_however_many_of_how_many_are_drawn():
    for kept, wanted, count in ((6, True, 2), (6, True, 5), (1, False, 2), (4, False, 3), (2, False, 6)):
        flat = np.arange(8) < kept
        bins = bins_of(flat.reshape(1, 8), 1)
        num = kept if wanted else 8 - kept
        seen = Counter(
            tuple(sorted(draw(flat, wanted, bins, np.array([count]), rng(seed)).tolist())) for seed in range(3000)
        )
        sets = math.comb(num, count)
        assert len(seen) == sets
        assert all(abs(n - 3000 / sets) < 6 * math.sqrt(3000 / sets) for n in seen.values())


def test_draw_refuses_more_than_there_is():
    flat = np.array([1, 1, 0, 0] * 2, dtype=bool)
    with pytest.raises(ValueError, match="counts: expected at most as many positions as fit"):
        draw(flat, True, bins_of(flat.reshape(2, 4), 1), np.array([2, 3]), rng())
