import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_cycles import LAYER
from uticket.hardware.cycles import layer_cycles
from uticket.mapping.mapping import (
    POLICIES,
    Array,
    by_workload,
    channel_slices,
    contiguous,
    map_layers,
    paired,
    unit_nonzeros,
)

counts = st.lists(st.integers(0, 99), min_size=1, max_size=70).map(np.array)


def test_contiguous_keeps_the_order_and_its_last_group_may_be_short():
    mapping = contiguous(np.array([3, 1, 4, 1, 5]), pes=2)
    assert mapping.group.tolist() == [0, 0, 1, 1, 2]
    assert mapping.pe.tolist() == [0, 1, 0, 1, 0]
    assert mapping.workload(np.array([3, 1, 4, 1, 5])).tolist() == [[3, 1], [4, 1], [5, 0]]
    assert mapping.used_pes().tolist() == [2, 2, 1]


def test_more_pes_than_filters_leave_pes_without_work():
    assert contiguous(np.array([7, 9]), pes=4).workload(np.array([7, 9])).tolist() == [[7, 9, 0, 0]]


def test_one_pe_takes_the_filters_one_after_another():
    assert contiguous(np.array([1, 2, 3]), pes=1).workload(np.array([1, 2, 3])).tolist() == [[1], [2], [3]]


def test_sorted_groups_filters_of_similar_work_and_equal_ones_stay_in_order():
    workload = np.array([1, 5, 1, 5, 3])
    mapping = by_workload(workload, pes=2)
    assert mapping.workload(workload).tolist() == [[5, 5], [3, 1], [1, 0]]
    assert mapping.pe.tolist() == [1, 0, 0, 1, 0]


def test_paired_joins_the_densest_with_the_sparsest():
    workload = np.array([1, 2, 3, 4, 10, 20])
    assert paired(workload, pes=2).workload(workload).tolist() == [[20 + 3, 10 + 4], [2, 1]]
    assert paired(workload, pes=4).workload(workload).tolist() == [[20, 10, 4 + 1, 3 + 2]]
    assert paired(workload, pes=8).workload(workload).tolist() == [[20, 10, 4, 3, 2, 1, 0, 0]]


def test_channels_are_cut_into_slices_of_which_the_last_may_be_short():
    mapping = channel_slices(num_filters=2, num_channels=5, pes=3)
    assert mapping.group.tolist() == [0] * 5 + [1] * 5
    assert mapping.pe.tolist() == 2 * [0, 0, 1, 1, 2]
    assert channel_slices(1, 6, pes=4).pe.tolist() == [0, 0, 1, 1, 2, 2]
    assert channel_slices(1, 2, pes=4).pe.tolist() == [0, 1]


@pytest.mark.parametrize("shape", [(3, 8, 3, 3), (3, 5, 3, 3), (4, 7), (2, 16), (2, 3, 1, 1)])
def test_nonzeros_are_counted_by_unit(shape):
    mask = np.random.default_rng(0).random(shape) < 0.4
    assert unit_nonzeros(mask).tolist() == [int(f.sum()) for f in mask]
    by_channel = unit_nonzeros(mask, "input-channels")
    assert by_channel.tolist() == [int(channel.sum()) for f in mask for channel in f]
    assert np.array_equal(unit_nonzeros(mask.transpose()[::-1].transpose()), unit_nonzeros(mask))  # not contiguous


@settings(max_examples=300)
@given(workload=counts, pes=st.integers(1, 80), policy=st.sampled_from(sorted(POLICIES)))
def test_no_policy_loses_work_or_shares_a_pe_but_in_pairs(workload, pes, policy):
    mapping = POLICIES[policy](workload, pes)
    assert mapping.workload(workload).sum() == workload.sum()
    assert mapping.pe.min() >= 0
    assert mapping.pe.max() < pes
    most = 2 if policy == "paired" else 1
    assert np.bincount(mapping.bins).max() <= most
    assert mapping.num_groups == -(-len(workload) // (most * pes))


@settings(max_examples=300)
@given(workload=counts, pes=st.integers(1, 20), policy=st.sampled_from(sorted(POLICIES)), q=st.integers(1, 9))
def test_work_does_not_depend_on_the_policy_and_sorting_never_takes_longer(workload, pes, policy, q):
    plain = layer_cycles(workload, contiguous(workload, pes), q)
    other = layer_cycles(workload, POLICIES[policy](workload, pes), q)
    assert other.work_cycles == plain.work_cycles
    if policy == "sorted":
        assert (
            layer_cycles(workload, by_workload(workload, pes), q, spare_pes="idle").latency_cycles
            <= layer_cycles(workload, contiguous(workload, pes), q, spare_pes="idle").latency_cycles
        )


def test_layers_whose_outputs_are_added_are_permuted_alike():
    masks = {name: np.zeros((4, 2, 3, 3), dtype=bool) for name in ("free", "one", "two")}
    for f, kept in enumerate([1, 2, 3, 4]):
        masks["free"][f].flat[:kept] = True
        masks["one"][f].flat[:kept] = True
    masks["two"][0] = True  # 18: with it, filter 0 has most of the sum
    layers = [
        LAYER.model_copy(update={"name": "free"}),
        LAYER.model_copy(update={"name": "one", "adds_to": "stage1"}),
        LAYER.model_copy(update={"name": "two", "adds_to": "stage1"}),
    ]
    mappings = map_layers(layers, masks, Array(pes=2, policy="sorted"))
    assert mappings["free"].group.tolist() == [1, 1, 0, 0]
    assert mappings["one"].group.tolist() == mappings["two"].group.tolist() == [0, 1, 1, 0]


def test_no_pe_is_an_error():
    with pytest.raises(ValueError, match="pes: expected at least 1, came 0"):
        map_layers([LAYER], {LAYER.name: np.ones((4, 2, 3, 3), dtype=bool)}, Array(pes=0))
