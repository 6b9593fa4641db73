import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import mask_of, placed_mask, placed_workload, rows
from uticket.config.array import Array
from uticket.config.tables import MAPPINGS
from uticket.hardware.cycles import layer_cycles
from uticket.mapping.policies import Filters, by_pattern, by_workload, contiguous, paired

counts = st.lists(st.integers(0, 99), min_size=1, max_size=70).map(np.array)
mappings = st.sampled_from(sorted(MAPPINGS))


def test_contiguous_keeps_the_order_and_its_last_group_may_be_short():
    places = contiguous(Filters(np.array([3, 1, 4, 1, 5])), pes=2)
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
    assert by_workload(Filters(np.array([1, 5, 1, 5, 3])), pes=2).pe.tolist() == [1, 0, 0, 1, 0]
    placed = placed_workload([1, 5, 1, 5, 3], pes=2, mapping="sorted")
    assert placed.workload.tolist() == [[5, 5], [3, 1], [1, 0]]
    assert placed.pe.tolist() == [1, 0, 0, 1, 0]


def test_paired_joins_the_densest_with_the_sparsest():
    def workload(pes: int) -> list[list[int]]:
        return placed_workload([1, 2, 3, 4, 10, 20], pes, mapping="paired").workload.tolist()

    assert workload(2) == [[20 + 3, 10 + 4], [2, 1]]
    assert workload(4) == [[20, 10, 4 + 1, 3 + 2]]
    assert workload(8) == [[20, 10, 4, 3, 2, 1, 0, 0]]
    assert paired(Filters(np.array([1, 2, 3, 4, 10, 20])), pes=2).group.tolist() == [1, 1, 0, 0, 0, 0]


def test_filters_that_keep_the_same_positions_are_put_next_to_each_other():
    mask = rows("0011", "0001", "1100", "0011", "0100", "1100", "0011")
    filters = Filters(mask.sum(axis=(1, 2, 3)), (mask,))
    assert filters.by_pattern.tolist() == [0, 3, 6, 2, 5, 1, 4]  # three, two, and those that share with no other one
    assert by_pattern(filters, pes=4).group.tolist() == [0, 1, 0, 0, 1, 1, 0]
    assert placed_mask(mask, 4, mapping="patterns").pe.tolist() == [0, 1, 3, 1, 2, 0, 2]
    other = rows("1", "0", "1", "0", "0", "1", "1")  # filters of two layers are the same if they are in both
    assert Filters(filters.workload, (mask, other)).by_pattern.tolist() == [0, 6, 2, 5, 1, 3, 4]
    apart = np.eye(5, dtype=bool)[:, :, None, None]
    for name in ("patterns", "contiguous"):
        assert placed_mask(apart, 2, mapping=name).bins.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("mapping", "pes", "expected"), [("sorted", 1, [1, 3, 0, 2]), ("paired", 2, [1, 0, 0, 1])])
def test_filters_of_equal_work_stay_together_by_pattern(mapping, pes, expected):
    mask = rows("0101", "1010", "1111", "0101")  # by workload, then pattern: 2, 0, 3, 1
    assert placed_mask(mask, pes, mapping=mapping).bins.tolist() == expected


@settings(max_examples=300)
@given(workload=counts, pes=st.integers(1, 80), mapping=mappings)
def test_no_mapping_loses_work_or_shares_a_pe_but_in_pairs(workload, pes, mapping):
    shape = (len(workload), 1, 1, max(*workload, 1))
    group, pe = MAPPINGS[mapping](Filters(workload, (mask_of(*workload, shape=shape),)), pes)
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
    with pytest.raises(ValueError, match="expected one of contiguous, patterns, sorted, paired, got 'random'"):
        Array(mapping="random")
