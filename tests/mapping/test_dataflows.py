import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import layer_of, placed_mask, placed_workload
from uticket.config.array import Array
from uticket.mapping.dataflows import DATAFLOWS
from uticket.mapping.policies import Filters


def slices(filters: int, channels: int, pes: int) -> tuple[list[int], list[int]]:
    layer = layer_of(filters, channels)
    group, pe = DATAFLOWS["input-channels"].put(layer, Filters(np.zeros(filters, dtype=np.int64)), Array(pes=pes))
    return group.tolist(), pe.tolist()


def test_channels_are_cut_into_slices_of_which_the_last_may_be_short():
    assert slices(2, 5, pes=3) == ([0] * 5 + [1] * 5, 2 * [0, 0, 1, 1, 2])
    assert slices(1, 4, pes=2)[1] == [0, 0, 1, 1]
    assert slices(1, 6, pes=4)[1] == [0, 0, 1, 1, 2, 2]
    assert slices(1, 2, pes=4)[1] == [0, 1]


def test_order_of_filters_makes_no_difference_to_slices():
    mask = np.random.default_rng(0).random((5, 4, 3, 3)) < 0.3
    one, other = (placed_mask(mask, 2, dataflow="input-channels", mapping=name) for name in ("contiguous", "sorted"))
    assert one.bins.tolist() == other.bins.tolist()


@pytest.mark.parametrize("shape", [(3, 8, 3, 3), (3, 5, 3, 3), (4, 7), (2, 16), (2, 3, 1, 1)])
def test_nonzeros_are_counted_by_unit(shape):
    mask = np.random.default_rng(0).random(shape) < 0.4
    placed = placed_mask(mask, 2)
    assert placed.nonzeros.tolist() == [int(f.sum()) for f in mask]
    assert (placed.units_per_filter, placed.filter.tolist()) == (1, [*range(len(mask))])
    by_channel = placed_mask(mask, 2, dataflow="input-channels")
    assert by_channel.nonzeros.tolist() == [int(channel.sum()) for f in mask for channel in f]
    assert by_channel.units_per_filter == shape[1]
    assert by_channel.filter.tolist() == [f for f in range(len(mask)) for _ in range(shape[1])]
    scattered = placed_mask(mask.transpose()[::-1].transpose(), 2)  # not contiguous in memory
    assert scattered.nonzeros.tolist() == placed.nonzeros.tolist()


@settings(max_examples=300)
@given(
    filters=st.integers(1, 9),
    channels=st.integers(1, 9),
    pes=st.integers(1, 12),
    dataflow=st.sampled_from(sorted(DATAFLOWS)),
)
def test_units_cut_the_weights_of_a_layer_evenly_in_their_order(filters, channels, pes, dataflow):
    mask = np.random.default_rng(0).random((filters, channels, 2, 3)) < 0.5
    placed = placed_mask(mask, pes, dataflow=dataflow)
    assert len(placed.group) == len(placed.pe) == len(placed.nonzeros) == filters * placed.units_per_filter
    assert placed.unit_size * len(placed.group) == mask.size
    assert placed.by_unit(mask).sum(axis=1).tolist() == placed.nonzeros.tolist()
    numbers = placed.by_unit(np.arange(mask.size).reshape(mask.shape))
    assert numbers.ravel().tolist() == list(range(mask.size))
    assert all((placed.unit_of(row) == unit).all() for unit, row in enumerate(numbers))
    assert placed.filter.tolist() == [int(row[0]) // mask[0].size for row in numbers]


def test_spare_pes_hold_as_many_whole_copies_as_fit():
    assert placed_workload([1, 1, 1], pes=7, positions=9).copies.tolist() == [2]
    assert placed_workload([1, 1, 1], pes=2, positions=9).copies.tolist() == [1, 2]
    assert placed_workload([1, 1, 1], pes=99, positions=9).copies.tolist() == [9]  # no more than positions
    assert placed_workload([1, 1, 1], pes=7, positions=1).copies.tolist() == [1]
    assert placed_workload([1, 1, 1], pes=7, positions=9, spare_pes="idle").copies.tolist() == [1]
    assert placed_mask(np.ones((2, 3, 1, 1)), 9, 9, dataflow="input-channels").copies.tolist() == [3, 3]
    paired = placed_workload([4, 3, 2, 1], pes=2, positions=9, mapping="paired")
    assert (paired.used_pes.tolist(), paired.copies.tolist()) == ([2], [1])


def test_with_outputs_all_pes_hold_the_same_filter():
    mask = np.random.default_rng(0).random((5, 4, 3, 3)) < 0.3
    placed = placed_mask(mask, 4, positions=9, dataflow="outputs", mapping="sorted")
    assert (placed.group.tolist(), placed.pe.tolist()) == ([0, 1, 2, 3, 4], [0] * 5)
    assert placed.copies.tolist() == [3] * 5  # three positions each: a fourth PE would make none of them less
    copies = [placed_mask(mask, 16, n, dataflow="outputs").copies[0] for n in (1, 4, 16, 17, 64)]
    assert copies == [1, 4, 16, 9, 16]


def test_with_gustavson_a_pe_holds_as_many_filters_as_it_has_accumulators():
    mask = np.random.default_rng(0).random((5, 4, 3, 3)) < 0.3
    groups = {n: placed_mask(mask, 4, 9, dataflow="gustavson", accumulators=n).group.tolist() for n in (1, 2, 4, 5)}
    assert groups == {1: [0, 1, 2, 3, 4], 2: [0, 0, 1, 1, 2], 4: [0, 0, 0, 1, 1], 5: [0] * 5}
    placed = placed_mask(mask, 4, 9, dataflow="gustavson")
    assert (placed.pe.tolist(), placed.copies.tolist()) == ([0] * 5, [3])
    assert placed.workload.tolist() == [[int(mask.sum()), 0, 0, 0]]
