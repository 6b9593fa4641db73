import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uticket.mapping import contiguous


def test_last_group_may_be_short():
    mapping = contiguous(5, pes=2)
    assert mapping.group.tolist() == [0, 0, 1, 1, 2]
    assert mapping.pe.tolist() == [0, 1, 0, 1, 0]
    assert mapping.workload(np.array([3, 1, 4, 1, 5])).tolist() == [[3, 1], [4, 1], [5, 0]]


def test_more_pes_than_filters_leave_pes_without_work():
    assert contiguous(2, pes=4).workload(np.array([7, 9])).tolist() == [[7, 9, 0, 0]]


def test_one_pe_takes_the_filters_one_after_another():
    assert contiguous(3, pes=1).workload(np.array([1, 2, 3])).tolist() == [[1], [2], [3]]


def test_no_pe_is_an_error():
    with pytest.raises(ValueError, match="pes: expected at least 1, came 0"):
        contiguous(4, pes=0)


@given(nonzeros=st.lists(st.integers(0, 99), min_size=1, max_size=70), pes=st.integers(1, 80))
def test_every_filter_has_one_place_and_no_work_is_lost(nonzeros, pes):
    mapping = contiguous(len(nonzeros), pes)
    places = set(zip(mapping.group.tolist(), mapping.pe.tolist(), strict=True))
    assert len(places) == len(nonzeros)
    assert mapping.workload(np.array(nonzeros)).sum() == sum(nonzeros)
    assert mapping.num_groups == -(-len(nonzeros) // pes)
