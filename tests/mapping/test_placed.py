import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers import LAYER, layer_of, mask_of, nonzeros, rows
from uticket.base.errors import InputError
from uticket.config.array import Array
from uticket.mapping.placed import count_by_row, held, place, place_whole
from uticket.ticket.layer import Layer
from uticket.ticket.ticket import Ticket

IMAGE = LAYER.model_copy(update={"name": "conv1", "reads": "image"})
LINEAR = Layer.of_shape("fc", (3, 4))


def test_layers_whose_outputs_are_added_are_permuted_alike():
    masks = {"free": mask_of(1, 2, 3, 4), "one": mask_of(1, 2, 3, 4), "two": mask_of()}
    masks["two"][0] = True  # 18: with it, filter 0 has most of the sum
    layers = [
        LAYER.model_copy(update={"name": "free"}),
        LAYER.model_copy(update={"name": "one", "adds_to": "stage1"}),
        LAYER.model_copy(update={"name": "two", "adds_to": "stage1"}),
    ]
    placed = {p.layer.name: p for p in place(Ticket(layers, masks), Array(pes=2, mapping="sorted"))}
    assert placed["free"].group.tolist() == [1, 1, 0, 0]
    assert placed["one"].group.tolist() == placed["two"].group.tolist() == [0, 1, 1, 0]
    assert placed["one"].pe.tolist() == placed["two"].pe.tolist() == [0, 1, 0, 1]
    assert placed["two"].workload.tolist() == [[18, 0], [0, 0]]  # by its own weights


def test_sums_of_other_names_are_sorted_apart():
    layers = [LAYER.model_copy(update={"name": name, "adds_to": f"to {name}"}) for name in ("one", "two")]
    ticket = Ticket(layers, {"one": mask_of(1, 2, 3, 4), "two": mask_of(9, 1, 1, 1)})
    one, two = place(ticket, Array(pes=1, mapping="sorted"))
    assert (one.group.tolist(), two.group.tolist()) == ([3, 2, 1, 0], [0, 1, 2, 3])


def test_layers_that_run_are_placed_in_order():
    masks = {"conv1": mask_of(1), "conv2": mask_of(2), "fc": np.ones((3, 4))}
    ticket = Ticket([IMAGE, LAYER, LINEAR], masks)
    assert [p.layer for p in place(ticket, Array())] == [LAYER]
    conv, linear = place(ticket.choose("all"), Array(pes=2))
    assert (conv.layer, linear.layer) == (LAYER, LINEAR)
    assert linear.workload.tolist() == [[4, 4], [4, 0]]
    assert (conv.pes, conv.num_groups, linear.num_groups) == (2, 2, 2)
    assert np.array_equal(conv.mask, masks["conv2"])
    assert place(Ticket([IMAGE], {"conv1": mask_of(1)}), Array()) == ()


def test_units_of_a_grouped_convolution_read_their_own_channels():
    layer = layer_of(6, 4, (3, 3), (1, 1), padding=(0, 0), groups=2)
    ticket = Ticket([layer], {"conv2": np.ones((6, 2, 1, 1))})
    (placed,) = place(ticket, Array(pes=4))
    assert placed.channel_group.tolist() == [0, 0, 0, 1, 1, 1]
    assert placed.reading.tolist() == [[[1, 0], [1, 0], [1, 0], [0, 1]], [[0, 1], [0, 1], [0, 0], [0, 0]]]
    assert (placed.channels_read.tolist(), placed.num_keys) == ([4, 2], 4)
    assert placed.key_of(np.arange(12)).tolist() == [0, 1] * 3 + [2, 3] * 3
    (paired,) = place(ticket, Array(pes=2, mapping="paired"))
    assert paired.reading.tolist() == [[[1, 1], [2, 0]], [[0, 1], [0, 1]]]
    (slices,) = place(ticket, Array(pes=4, dataflow="input-channels"))
    assert slices.pe.tolist() == [0, 1] * 6
    assert slices.channels_read.tolist() == [2] * 6


def test_filters_of_other_channels_keep_no_positions_in_common():
    layer = layer_of(4, 4, (3, 3), (1, 1), padding=(0, 0), groups=2)
    mask = rows("10", "01", "10", "01")
    for groups, order in ((2, [0, 1, 2, 3]), (1, [0, 2, 1, 3])):
        shape = {"groups": groups, "channels": 2 * groups}
        ticket = Ticket([layer.model_copy(update=shape)], {"conv2": mask})
        (placed,) = place(ticket, Array(pes=2, mapping="patterns"))
        assert placed.order.tolist() == order


def test_array_holds_the_mask_unless_weights_are_rounded():
    weights = {"conv2": np.linspace(0.01, 1, 72).reshape(4, 2, 3, 3)}
    ticket = Ticket([IMAGE, LAYER], {"conv1": mask_of(1), "conv2": mask_of(3, 1)}, weights)
    assert list(held(ticket, Array())) == ["conv2"]
    assert held(ticket, Array())["conv2"] is ticket.mask["conv2"]
    assert held(ticket, Array(weight_bits=4))["conv2"].sum() == 3  # the first weight is the smallest
    assert held(ticket, Array(weight_bits=4, quantizer="keep_mask"))["conv2"].sum() == 4
    only_masks = Ticket([LAYER], {"conv2": mask_of(3, 1)})
    assert held(only_masks, Array())["conv2"].sum() == 4
    with pytest.raises(InputError, match="weight_bits: expected weights to round, got 0/1 masks"):
        held(only_masks, Array(weight_bits=8))


def test_filters_are_sorted_by_what_the_array_holds():
    kept = mask_of(3, 2, 1, 1)
    weights = np.where(kept, 1.0, 0.0)
    weights[0, 0, 0, :2] = 0.01  # two of the three weights of filter 0 round to zero
    (placed,) = place(Ticket([LAYER], {"conv2": kept}, {"conv2": weights}), Array(pes=1, mapping="sorted"))
    assert placed.group.tolist() == [0, 1, 2, 3]
    array = Array(pes=1, mapping="sorted", weight_bits=4)
    (rounded,) = place(Ticket([LAYER], {"conv2": kept}, {"conv2": weights}), array)
    assert rounded.group.tolist() == [1, 0, 2, 3]
    assert rounded.nonzeros.tolist() == nonzeros(rounded.mask) == [1, 2, 1, 1]


def test_whole_layer_is_one_group_in_which_each_filter_has_a_pe():
    placed = place_whole(LAYER, mask_of(3, 1, 2))
    assert (placed.pes, placed.num_groups, placed.copies.tolist()) == (4, 1, [1])
    assert placed.workload.tolist() == [[3, 1, 2, 0]]
    assert placed.used_pes.tolist() == [4]


@settings(max_examples=300)
@given(rows=hnp.arrays(bool, st.tuples(st.integers(0, 4), st.integers(0, 40))), times=st.sampled_from([1, 8, 600]))
def test_rows_are_counted_whatever_their_length(rows, times):
    rows = np.tile(rows, times)
    assert count_by_row(rows).tolist() == [sum(row) for row in rows.tolist()]
