import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import placed_workload
from uticket.config.array import Array
from uticket.config.tables import MAPPINGS
from uticket.hardware.cycles import layer_cycles
from uticket.mapping.policies import by_workload, contiguous, paired

counts = st.lists(st.integers(0, 99), min_size=1, max_size=70).map(np.array)
mappings = st.sampled_from(sorted(MAPPINGS))


def test_contiguous_keeps_the_order_and_its_last_group_may_be_short():
    places = contiguous(np.array([3, 1, 4, 1, 5]), pes=2)
    assert places.group.tolist() == [0, 0, 1, 1, 2]
    assert places.pe.tolist() == [0, 1, 0, 1, 0]
    placed = placed_workload([3, 1, 4, 1, 5], pes=2)
    assert placed.workload.tolist() == [[3, 1], [4, 1], [5, 0]]
    assert placed.used_pes.tolist() == [2, 2, 1]


def test_more_pes_than_filters_leave_pes_without_work():
    assert placed_workload([7, 9], pes=4).workload.tolist() == [[7, 9, 0, 0]]


def test_one_pe_takes_the_filters_one_after_another():
    assert placed_workload([1, 2, 3], pes=1).workload.tolist() == [[1], [2], [3]]


def test_sorted_groups_filters_of_similar_work_and_equal_ones_stay_in_order():
    assert by_workload(np.array([1, 5, 1, 5, 3]), pes=2).pe.tolist() == [1, 0, 0, 1, 0]
    placed = placed_workload([1, 5, 1, 5, 3], pes=2, mapping="sorted")
    assert placed.workload.tolist() == [[5, 5], [3, 1], [1, 0]]
    assert placed.pe.tolist() == [1, 0, 0, 1, 0]


def test_paired_joins_the_densest_with_the_sparsest():
    def workload(pes: int) -> list[list[int]]:
        return placed_workload([1, 2, 3, 4, 10, 20], pes, mapping="paired").workload.tolist()

    assert workload(2) == [[20 + 3, 10 + 4], [2, 1]]
    assert workload(4) == [[20, 10, 4 + 1, 3 + 2]]
    assert workload(8) == [[20, 10, 4, 3, 2, 1, 0, 0]]
    assert paired(np.array([1, 2, 3, 4, 10, 20]), pes=2).group.tolist() == [1, 1, 0, 0, 0, 0]


@settings(max_examples=300)
@given(workload=counts, pes=st.integers(1, 80), mapping=mappings)
def test_no_mapping_loses_work_or_shares_a_pe_but_in_pairs(workload, pes, mapping):
    group, pe = MAPPINGS[mapping](workload, pes)
    places = group * pes + pe
    placed = placed_workload(workload, pes, mapping=mapping)
    assert (placed.group.tolist(), placed.pe.tolist(), placed.bins.tolist()) == (
        group.tolist(),
        pe.tolist(),
        places.tolist(),
    )
    assert placed.workload.ravel().tolist() == np.bincount(places, workload, placed.num_groups * pes).tolist()
    assert placed.workload.sum() == workload.sum()
    assert pe.min() >= 0
    assert pe.max() < pes
    most = 2 if mapping == "paired" else 1
    assert np.bincount(places).max() <= most
    assert placed.num_groups == -(-len(workload) // (most * pes))


@settings(max_examples=300)
@given(workload=counts, pes=st.integers(1, 20), mapping=mappings, q=st.integers(1, 9))
def test_work_does_not_depend_on_the_mapping_and_sorting_never_takes_longer(workload, pes, mapping, q):
    plain = layer_cycles(placed_workload(workload, pes, q))
    other = layer_cycles(placed_workload(workload, pes, q, mapping=mapping))
    assert other.work_cycles == plain.work_cycles
    if mapping == "sorted":
        idle = {
            name: layer_cycles(placed_workload(workload, pes, q, mapping=name, spare_pes="idle"))
            for name in ("sorted", "contiguous")
        }
        assert idle["sorted"].latency_cycles <= idle["contiguous"].latency_cycles


@pytest.mark.parametrize(
    ("pes", "expected"), [(0, "greater than or equal to 1"), (65537, "less than or equal to 65536")]
)
def test_wrong_number_of_pes_is_an_error(pes, expected):
    with pytest.raises(ValueError, match=rf"pes\n.*{expected}"):
        Array(pes=pes)


def test_unknown_mapping_is_an_error():
    with pytest.raises(ValueError, match="expected one of contiguous, sorted, paired, got 'random'"):
        Array(mapping="random")
