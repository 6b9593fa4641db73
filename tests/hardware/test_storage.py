import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.hardware.plain_events import cases, layers_of_every_kind, placed_on
from tests.helpers import FLOWS, placed_flow, placed_mask
from uticket.hardware.formats import size_bits
from uticket.hardware.storage import first_with_pattern, fit_scratchpad, pack, unpack
from uticket.mapping.placed import Placed

shapes = st.tuples(st.integers(1, 7), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))
levels = hnp.arrays(np.int32, shapes, elements=st.one_of(st.just(0), st.integers(-32768, 32767)))
masks = hnp.arrays(bool, shapes)


flows = st.sampled_from(FLOWS)


def test_stream_of_two_filters_by_hand():
    values = np.array([[[5, 0, 0], [0, 0, -7]], [[0, 0, 0], [1, 2, 3]]])[:, :, np.newaxis]
    packed = pack(values, placed_mask(values != 0, 2))
    assert [f"{byte:08b}" for byte in packed.wsp] == ["10000100", "00011100"]  # six kernel positions, then filled up
    assert packed.words.tolist() == [5, -7, 1, 2, 3]
    assert (packed.unit.tolist(), packed.pe.tolist(), packed.begin.tolist()) == ([0, 1], [0, 1], [0, 2, 5])


def test_filters_of_a_group_that_keep_the_same_positions_share_a_pattern():
    values = np.array([[5, 0, 6], [0, 1, 0], [7, 0, 8], [9, 0, 4], [0, 2, 0], [3, 0, 1]])[:, :, np.newaxis, np.newaxis]
    placed = placed_mask(values != 0, 3)  # groups of 0 .. 2 and 3 .. 5
    assert first_with_pattern(placed, placed.mask).tolist() == [0, 1, 0, 3, 4, 3]
    packed = pack(values, placed)
    assert (packed.unit.tolist(), packed.pattern.tolist()) == ([0, 3, 1, 4, 2, 5], [0, 1, 2, 3, 0, 1])
    assert [f"{byte:08b}" for byte in packed.wsp] == ["10100000", "10100000", "01000000", "01000000"]
    stored = fit_scratchpad(placed, 1024)
    assert stored.words.tolist() == [[3, 2, 2], [3, 2, 2]]  # a word of WSP on the first two PEs only
    assert size_bits(placed, stored)["wsp"] == 16 * (10 + 4)
    empty = placed_mask(np.zeros((2, 1, 3, 3), dtype=bool), 2)
    assert first_with_pattern(empty, empty.mask).tolist() == [0, 1]
    slices = placed_mask(np.ones((1, 4, 1, 1), dtype=bool), 2, dataflow="input-channels")
    assert first_with_pattern(slices, slices.mask).tolist() == [0, 1, 2, 3]


def test_a_pattern_is_shared_only_while_filters_store_the_same_positions():
    values = np.array([[5, 6], [7, 8]])[:, :, np.newaxis, np.newaxis]
    placed = placed_mask(values != 0, 2)
    rounded = values * [[[[1]], [[1]]], [[[1]], [[0]]]]  # the last one rounds to zero
    packed = pack(rounded, placed)
    assert packed.pattern.tolist() == [0, 1]
    assert np.array_equal(unpack(packed), rounded)


def channels_of(placed: Placed, unit: int) -> int:
    """The first of the channels that the filter of a unit reads."""
    layer = placed.layer
    return unit // (len(placed.group) // layer.filters) // layer.group_filters * layer.group_channels


def patterns_of(placed: Placed) -> list[tuple[int, int, bytes]]:
    """The group, channels and positions of each unit that could share, a key for each unit that cannot."""
    units = placed.mask.reshape(len(placed.group), -1)
    alone = placed.units_per_filter > 1
    return [
        (n, 0, b"") if alone or not units[n].any() else (int(g), channels_of(placed, n), units[n].tobytes())
        for n, g in enumerate(placed.group)
    ]


@settings(max_examples=300, deadline=None)
@given(levels, st.integers(1, 9), flows)
def test_what_is_packed_is_what_is_unpacked(values, pes, flow):
    placed = placed_flow(values != 0, pes, flow)
    packed = pack(values, placed)
    assert np.array_equal(unpack(packed), values)
    streams = packed.pe * (placed.num_groups + 1) + packed.group
    assert (np.diff(streams) >= 0).all()  # a PE reads its groups one after another
    assert (packed.pe == placed.pe[packed.unit]).all()
    assert (packed.group == placed.group[packed.unit]).all()
    stored = fit_scratchpad(placed, 1024)
    size = size_bits(placed, stored)["wsp"]
    patterns = len(set(patterns_of(placed)))
    assert packed.pattern.max() == patterns - 1
    assert size >= 16 * len(packed.words) + patterns * placed.unit_size
    if flow in ("contiguous", "patterns", "sorted"):
        assert size == 16 * len(packed.words) + 16 * patterns * math.ceil(values[0].size / 16)


def test_weights_beyond_a_word_are_refused():
    with pytest.raises(ValueError, match=r"levels: expected -32768 .. 32767, got 0 .. 32768"):
        pack(np.array([[[[32768]]], [[[0]]]]), placed_mask(np.ones((2, 1, 1, 1), dtype=bool), 2))
    with pytest.raises(ValueError, match=r"levels: expected -32768 .. 32767, got -32769 .. 0"):
        pack(np.array([[[[-32769]]], [[[0]]]]), placed_mask(np.ones((2, 1, 1, 1), dtype=bool), 2))


def plain_passes(placed: Placed, capacity: int) -> tuple[int, int]:
    """Words of the fullest PE and passes of the PE that needs most, adding channel after channel."""
    mask = placed.mask
    channels, kernel = mask.shape[1], mask[0, 0].size
    units = [(f, c) for f in range(len(mask)) for c in range(channels)]
    start = {f: f // placed.layer.group_filters * channels for f in range(len(mask))}
    per = len(units) // len(placed.bins)
    first: dict[tuple[int, int, bytes], int] = {}
    patterns = patterns_of(placed)
    for unit in np.argsort(placed.bins, kind="stable").tolist():
        first.setdefault(patterns[unit], unit)
    own = {units[i] for i in range(len(units)) if first[patterns[i // per]] == i // per}
    words, passes = 0, 1
    for place in set(placed.bins.tolist()):
        held = [units[i] for i in range(len(units)) if placed.bins[i // per] == place]
        need = lambda cut: sum(mask[f, c].sum() for f, c in cut) + math.ceil(kernel * len(own & {*cut}) / 16)  # noqa: E731
        words = max(words, need(held))
        count, run = 1, []
        for channel in range(placed.layer.channels):
            more = [(f, c) for f, c in held if start[f] + c == channel]
            if run and need(run + more) > capacity:
                count, run = count + 1, []
            run += more
            count += max(need(more) - 1, 0) // capacity
        passes = max(passes, count if need(held) > capacity else 1)
    return words, passes


@settings(max_examples=300, deadline=None)
@given(masks, st.integers(1, 9), flows, st.integers(2, 40))
def test_scratchpads_are_filled_as_channel_by_channel(mask, pes, flow, capacity):
    placed = placed_flow(mask, pes, flow)
    stored = fit_scratchpad(placed, capacity)
    assert (stored.words.max(), stored.passes.max()) == plain_passes(placed, capacity)
    assert stored.words.shape == (placed.num_groups, pes)


@settings(max_examples=300, deadline=None)
@given(cases(layers=layers_of_every_kind()), st.integers(2, 40))
def test_scratchpads_hold_the_channels_that_their_filters_read(case, capacity):
    layer, mask, _, array, _ = case
    placed = placed_on(layer, mask, array)
    placed = replace(placed, masks={layer.name: mask.reshape(*mask.shape[:2], *layer.kernel)})
    stored = fit_scratchpad(placed, capacity)
    assert (stored.words.max(), stored.passes.max()) == plain_passes(placed, capacity)
    packed = pack(mask.astype(np.int32), placed)
    assert np.array_equal(unpack(packed), mask)
    assert packed.pattern.max() == len(set(patterns_of(placed))) - 1


def test_filter_of_512_channels_fits_the_scratchpad_at_98_percent():
    mask = np.random.default_rng(0).random((16, 512, 3, 3)) < 0.02
    stored = fit_scratchpad(placed_mask(mask, 16), 1024)
    assert (stored.words == 288 + mask.reshape(16, -1).sum(axis=1)).all()  # 288 words of WSP: facts, section 2
    assert stored.passes.max() == 1
    dense = fit_scratchpad(placed_mask(np.ones_like(mask), 16), 1024)
    assert dense.passes.max() == math.ceil(512 / 106)  # 106 channels: 954 weights and 60 words of WSP
