import numpy as np

from tests.hardware.plain_events import placed_on, run
from tests.helpers import layer_of, placed_workload
from uticket.config.array import Array, Broadcast
from uticket.hardware.tiles import cut, cut_by_copy, tiles_of


def test_tiles_are_squares_of_the_accumulators():
    tiles = cut((32, 32), 256)
    assert tiles.num_tiles == 4
    assert tiles.part[15, 15] == 0
    assert tiles.part[15, 16] == 1
    assert tiles.part[16, 15] == 2
    assert cut((16, 16), 256).num_tiles == cut((8, 32), 256).num_tiles == 1
    assert cut((17, 16), 256).num_tiles == 2
    shared = cut((4, 4), 256, copies=3)  # 16 outputs: 6, 6 and 4
    assert np.bincount(shared.part.ravel()).tolist() == [6, 6, 4]


def test_two_filters_on_a_pe_share_its_accumulators():
    layer = layer_of(filters=4, size=(4, 4))
    mask, spikes = np.ones((4, 2, 3, 3), dtype=bool), np.ones((1, 3, 2, 4, 4), dtype=bool)
    whole, cut_once = (
        run(layer, mask, spikes, Array(pes=2, mapping="paired", accumulators=n), Broadcast(fifo_depth=0))
        for n in (32, 16)
    )
    paired = placed_on(layer, mask, Array(pes=2, mapping="paired"))
    assert [tiles_of(paired, n)[1].num_tiles for n in (32, 31, 16)] == [1, 4, 4]  # 16, 15 and 8 outputs at a time
    assert [tiles_of(placed_on(layer, mask, Array(pes=2)), n)[1].num_tiles for n in (16, 15)] == [1, 4]
    assert cut((4, 4), 8).num_tiles == 4
    assert whole.latency_cycles == cut_once.latency_cycles  # equal filters: the barrier costs nothing


def test_slices_of_one_filter_do_not_share_accumulators():
    layer, mask = layer_of(filters=1, channels=4, size=(4, 4)), np.ones((1, 4, 3, 3), dtype=bool)
    placed = placed_on(layer, mask, Array(pes=2, dataflow="input-channels"))
    assert np.bincount(placed.bins).tolist() == [2, 2]
    assert tiles_of(placed, 16)[1].num_tiles == 1


def test_there_are_tiles_for_each_number_of_copies():
    placed = placed_workload([1, 1, 1], pes=2, positions=6)
    assert placed.copies.tolist() == [1, 2]
    tiles = tiles_of(placed, 3)
    assert {copies: (cuts.copies, cuts.num_tiles) for copies, cuts in tiles.items()} == {1: (1, 6), 2: (2, 1)}


def test_a_pe_with_more_filters_than_accumulators_works_on_one_output():
    paired = placed_on(
        layer_of(filters=4, size=(4, 4)), np.ones((4, 2, 3, 3), dtype=bool), Array(pes=2, mapping="paired")
    )
    assert tiles_of(paired, 1)[1].num_tiles == 16


def test_pes_with_streams_of_their_own_cut_their_own_part_of_the_outputs():
    tiles = cut_by_copy((2, 5), 2, copies=3)  # 4, 4 and 2 outputs, two at a time
    assert tiles.part.ravel().tolist() == [0, 0, 3, 3, 1, 1, 4, 4, 2, 2]
    assert (tiles.num_tiles, tiles.largest_parts.tolist()) == (2, [2, 2])
    whole = cut_by_copy((4, 4), 256, copies=16)
    assert whole.part.tolist() == cut((4, 4), 256, copies=16).part.tolist() == np.arange(16).reshape(4, 4).tolist()
    layer = layer_of(filters=3, size=(4, 4))
    placed = placed_on(layer, np.ones((3, 2, 3, 3), dtype=bool), Array(pes=5, dataflow="outputs"))
    assert {copies: cuts.num_tiles for copies, cuts in tiles_of(placed, 2).items()} == {4: 2}  # 4 outputs on a PE


def test_with_gustavson_all_filters_share_the_accumulators():
    placed = placed_on(layer_of(filters=3, size=(4, 4)), np.ones((3, 2, 3, 3), dtype=bool), Array(dataflow="gustavson"))
    assert [tiles_of(placed, n)[16].num_tiles for n in (256, 3)] == [1, 1]  # an output on each of the 16 PEs
    fewer = placed_on(layer_of(filters=3, size=(4, 4)), placed.mask, Array(pes=2, dataflow="gustavson"))
    assert [tiles_of(fewer, n)[2].num_tiles for n in (24, 12, 3)] == [1, 2, 8]


def test_with_patches_each_output_is_a_tile_of_its_own():
    layer, mask = layer_of(filters=2, size=(4, 5)), np.ones((2, 2, 3, 3), dtype=bool)
    placed = placed_on(layer, mask, Array(pes=6, dataflow="inner-join"))
    assert {copies: (n.num_tiles, n.part.max()) for copies, n in tiles_of(placed, 256).items()} == {3: (7, 19)}
