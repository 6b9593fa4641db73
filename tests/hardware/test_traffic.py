import math
from typing import Any

import numpy as np
import pytest

from tests.hardware.chips import write_chip
from tests.hardware.networks import ticket_of
from tests.hardware.plain_events import placed_on
from tests.helpers import layer_of
from uticket.config.array import Array
from uticket.hardware.activations import Activations, Bits, place_activations
from uticket.hardware.chip import Chip
from uticket.hardware.formats import FORMATS, size_bits
from uticket.hardware.moves import layer_moves, new_positions, read_positions
from uticket.hardware.storage import fit_scratchpad
from uticket.hardware.tiles import cut, cut_by_copy
from uticket.hardware.traffic import Accesses, Traffic, layer_traffic
from uticket.mapping.placed import Placed


@pytest.fixture
def chip() -> Chip:
    return Chip.read()


def traffic_of(placed: Placed, chip: Chip, **array: Any) -> Traffic:
    """The accesses of a layer that is the whole network: its input comes from DRAM, its output goes there."""
    layer = placed.layer
    moved = place_activations(ticket_of(layer, timesteps=4), 8 * chip.memories.spikes.capacity.value)[layer.name]
    return layer_traffic(layer_moves(placed, moved, 4, Array(**array), chip), chip)


def test_traffic_of_a_layer_by_hand(chip):
    layer = layer_of(filters=32, channels=4, size=(32, 32))
    mask = np.random.default_rng(0).random((32, 4, 3, 3)) < 0.1
    traffic = traffic_of(placed_on(layer, mask, Array(pes=16)), chip)
    weight_bits = 16 * (int(mask.sum()) + 32 * math.ceil(36 / 16))
    scanned = 4 * 4 * (17 + 17) ** 2  # both groups read four tiles of 17x17: at the rim there is no halo outside
    assert traffic.weights == Accesses(math.ceil(weight_bits / 8), math.ceil(weight_bits / 8))
    used, written = 4 * 4 * 32 * 32, 4 * 32 * 1024
    assert traffic.spikes == Accesses(2 * scanned // 8, used // 8)
    assert traffic.dram == Accesses(math.ceil((weight_bits + used) / 64), written // 64)
    assert traffic.sums == Accesses(0, 0)


def test_input_that_the_memory_cannot_hold_is_read_from_dram_each_time(chip):
    layer = layer_of(filters=32, channels=65, size=(32, 32))  # 65 * 1024 * 4 bits in, of 262,144 that fit
    mask = np.zeros((32, 65, 3, 3), dtype=bool)
    traffic = traffic_of(placed_on(layer, mask, Array(pes=16)), chip)
    weight_bits, scanned = 32 * 16 * math.ceil(65 * 9 / 16), 2 * 4 * 65 * 34 * 34
    assert traffic.dram.reads == math.ceil((weight_bits + scanned) / 64)
    assert traffic.spikes == Accesses(math.ceil(scanned / 8), math.ceil(scanned / 8))
    fewer = layer_of(filters=32, channels=64, size=(32, 32))
    traffic = traffic_of(placed_on(fewer, mask[:, :64], Array(pes=16)), chip)
    assert traffic.dram.reads == math.ceil((32 * 16 * math.ceil(64 * 9 / 16) + 64 * 1024 * 4) / 64)


def test_all_that_a_layer_moves_is_counted_in_its_memory_once(chip):
    layer, mask = layer_of(filters=2, channels=4, size=(8, 8)), np.zeros((2, 4, 3, 3), dtype=bool)
    placed, weight_words = placed_on(layer, mask, Array(pes=2)), 2 * math.ceil(36 / 16)
    near = Activations(True, *(Bits(sram=64 * n) for n in (16, 100, 200, 300, 400)))
    traffic = layer_traffic(layer_moves(placed, near, 4, Array(), chip), chip)
    assert traffic.spikes == Accesses(8 * (16 + 100 + 300), 8 * (200 + 400))
    assert traffic.dram == Accesses(math.ceil(16 * weight_words / 64), 0)
    assert traffic.sums == Accesses(8 * 300, 8 * 400)
    far = Activations(True, *(Bits(dram=64 * n) for n in (16, 100, 200, 300, 400)))
    traffic = layer_traffic(layer_moves(placed, far, 4, Array(), chip), chip)
    assert traffic.spikes == Accesses(8 * 16, 8 * 16)
    assert traffic.dram == Accesses(math.ceil(16 * weight_words / 64) + 16 + 100 + 300, 200 + 400)
    assert traffic.sums == Accesses(300, 400)


def test_weights_that_do_not_fit_are_read_for_each_tile(chip, tmp_path):
    layer = layer_of(filters=2, channels=256, size=(32, 32))
    mask = np.ones((2, 256, 3, 3), dtype=bool)
    placed = placed_on(layer, mask, Array(pes=2))
    traffic = traffic_of(placed, chip)
    assert traffic.weights.reads == 4 * traffic.weights.writes
    capacity = {"value": 64, "unit": "bytes", "source": "made up"}
    small = Chip.read(write_chip(tmp_path, memories__weights__capacity=capacity))
    again = traffic_of(placed, small)
    assert again.weights.writes == traffic.weights.reads  # for each tile from DRAM


def test_weights_move_in_their_format_and_the_scratchpads_hold_what_the_pes_read(chip):
    layer = layer_of(filters=4, channels=512, size=(32, 32))
    mask = np.random.default_rng(0).random((4, 512, 3, 3)) < 0.02
    placed = placed_on(layer, mask, Array(pes=2))
    traffic = {form: traffic_of(placed, chip, weight_format=form) for form in (*FORMATS, "best")}
    sizes = size_bits(placed, fit_scratchpad(placed, 1024))
    for form, bits in sizes.items():
        assert traffic[form].weights.reads == math.ceil(bits / 8)
        assert traffic[form].weights.writes == traffic[form].weights.reads  # once: scratchpads are no fuller than ever
    assert traffic["best"] == traffic[min(sizes, key=sizes.get)]
    fewer_bits = traffic_of(placed, chip, weight_format="csr", weight_bits=4)
    assert fewer_bits.weights.reads == math.ceil((sizes["csr"] - 12 * int(mask.sum())) / 8)


def test_copies_of_a_group_read_its_weights_each_and_share_the_outputs(chip):
    layer, mask = layer_of(filters=2, channels=4, size=(32, 32)), np.ones((2, 4, 3, 3), dtype=bool)
    idle, split = (
        traffic_of(placed_on(layer, mask, Array(pes=8, spare_pes=spare)), chip) for spare in ("idle", "split_outputs")
    )
    assert split.weights.reads == 4 * idle.weights.reads  # four copies of two filters
    assert (split.weights.writes, split.dram) == (idle.weights.writes, idle.dram)
    assert idle.spikes.reads == 4 * 4 * 34**2 // 8
    assert split.spikes.reads == 4 * 4 * 32**2 // 8  # one tile of 1024 outputs


def test_positions_that_several_tiles_read_count_as_often():
    placed = placed_on(layer_of(size=(4, 4)), np.ones((4, 2, 3, 3), dtype=bool), Array())
    assert read_positions(placed, cut((4, 4), 16)).tolist() == [16]
    assert read_positions(placed, cut((4, 4), 4)).tolist() == [9] * 4  # no halo outside
    assert new_positions(placed, cut((4, 4), 4)).tolist() == [9, 3, 3, 1]
    strided = layer_of(size=(4, 4), stride=(2, 2), kernel=(1, 1), padding=(0, 0))
    strided = placed_on(strided, np.ones((4, 2, 1, 1), dtype=bool), Array())
    assert read_positions(strided, cut((2, 2), 1)).tolist() == [1] * 4
    layer = layer_of(size=(32, 32), stride=(2, 2), kernel=(1, 1), padding=(0, 0))
    shortcut = placed_on(layer, np.ones((4, 2, 1, 1), dtype=bool), Array())
    assert read_positions(shortcut, cut((16, 16), 256)).tolist() == [256]
    assert new_positions(shortcut, cut((16, 16), 4)).sum() == read_positions(shortcut, cut((16, 16), 4)).sum() == 256


def test_pes_with_streams_of_their_own_read_what_each_of_them_needs(chip):
    layer, mask = layer_of(filters=2, channels=4, size=(4, 4)), np.ones((2, 4, 3, 3), dtype=bool)
    placed = placed_on(layer, mask, Array(pes=4, dataflow="outputs"))  # a row of outputs each
    assert read_positions(placed, cut_by_copy((4, 4), 256, copies=4)).tolist() == [(2 + 3 + 3 + 2) * 4]
    traffic = traffic_of(placed, chip)
    assert traffic.spikes.reads == 2 * 4 * 4 * 40 // 8  # for each filter
    assert traffic.weights.reads == 4 * traffic.weights.writes  # a copy for each PE


def test_patches_are_read_one_by_one_for_each_group(chip):
    array = Array(pes=2, dataflow="inner-join")
    placed = placed_on(layer_of(channels=4, size=(4, 4)), np.ones((4, 4, 3, 3), dtype=bool), array)
    assert traffic_of(placed, chip).spikes.reads == 2 * 4 * 4 * (4 * 9 + 8 * 6 + 4 * 4) // 8


def test_columns_name_each_kind_of_access(chip):
    layer, mask = layer_of(), np.ones((4, 2, 3, 3), dtype=bool)
    traffic = traffic_of(placed_on(layer, mask, Array()), chip)
    assert traffic.columns() == {
        "weight_sram_reads": traffic.weights.reads,
        "weight_sram_writes": traffic.weights.writes,
        "spike_sram_reads": traffic.spikes.reads,
        "spike_sram_writes": traffic.spikes.writes,
        "dram_reads": traffic.dram.reads,
        "dram_writes": traffic.dram.writes,
        "sum_reads": traffic.sums.reads,
        "sum_writes": traffic.sums.writes,
    }
