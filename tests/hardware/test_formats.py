from typing import get_args

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.helpers import FLOWS, placed_flow, placed_mask
from uticket.config.array import WeightFormat
from uticket.hardware.formats import BEST, FORMATS, choose_format, size_bits
from uticket.hardware.storage import fit_scratchpad

masks = hnp.arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3)))


def test_sizes_of_two_filters_by_hand():
    mask = np.zeros((2, 5, 3, 3), dtype=bool)
    mask[0, 0, 0, 0] = mask[1, 4, 2, 2] = True  # the second after 44 zeros: two full runs of 16
    placed = placed_mask(mask, 2)
    stored = fit_scratchpad(placed, 1024)
    assert size_bits(placed, stored) == {
        "dense": 90 * 16,
        "csr": 2 * (16 + 6) + 3 * 2,
        "bitmap": 90 + 2 * 16,
        "run_length": (2 + 2) * 20,
        "wsp": 2 * 48 + 2 * 16,
    }
    assert size_bits(placed, stored, 4)["dense"] == 90 * 4


def plain_run_length(mask: np.ndarray) -> int:
    entries = 0
    for row in mask.reshape(len(mask), -1):
        zeros = 0
        for kept in row:
            if kept or zeros == 15:
                entries, zeros = entries + 1, 0
            else:
                zeros += 1
        # what was stored for zeros after the last weight is not needed
        last = np.flatnonzero(row).max(initial=-1)
        entries -= (len(row) - 1 - last) // 16
    return 20 * entries


@settings(max_examples=300, deadline=None)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 12), st.just(3), st.just(3)), fill=st.just(False)))
def test_run_length_code_is_that_of_a_plain_encoder(mask):
    placed = placed_mask(mask, 2)
    assert size_bits(placed, fit_scratchpad(placed, 1024))["run_length"] == plain_run_length(mask)


def test_each_format_has_a_word_in_the_settings():
    assert set(get_args(WeightFormat)) == {*FORMATS, BEST}


@settings(max_examples=200, deadline=None)
@given(masks, st.integers(1, 9), st.sampled_from(FLOWS), st.sampled_from([4, 16]))
def test_groups_add_up_to_the_layer_and_each_holds_its_own_filters(mask, pes, flow, weight_bits):
    placed = placed_flow(mask, pes, flow)
    stored = fit_scratchpad(placed, 1024)
    columns, kept = mask[0].size, int(mask.sum())
    pointer, index = max(kept.bit_length(), 1), max((columns - 1).bit_length(), 1)
    for name, sizes in FORMATS.items():
        by_group = sizes(placed, stored, weight_bits)
        assert by_group.sum() == size_bits(placed, stored, weight_bits)[name]
        for group in range(placed.num_groups if name != "wsp" else 0):
            filters = sorted({int(f) for f, g in zip(placed.filter, placed.group, strict=True) if g == group})
            alone = sum(int(mask[f].sum()) for f in filters)
            expected = {
                "csr": alone * (weight_bits + index) + pointer * (len(filters) + (group == 0)),
                "bitmap": columns * len(filters) + alone * weight_bits,
                "dense": columns * len(filters) * weight_bits,
                "run_length": plain_run_length(mask[filters]) // 20 * (weight_bits + 4),
            }
            assert by_group[group] == expected[name]


def test_best_is_the_smallest_of_the_layer():
    sparse, half = np.zeros((4, 64, 3, 3), dtype=bool), np.ones((4, 64, 3, 3), dtype=bool)
    sparse[:, 0], half[:, ::2] = True, False
    chosen = {}
    for name, mask in (("sparse", sparse), ("half", half), ("dense", np.ones_like(half))):
        placed = placed_mask(mask, 2)
        stored = fit_scratchpad(placed, 1024)
        chosen[name], bits = choose_format(placed, stored, "best", 16)
        sizes = size_bits(placed, stored)
        assert bits.sum() == sizes[chosen[name]] == min(sizes.values())
        assert choose_format(placed, stored, "csr", 16)[0] == "csr"
    assert chosen == {"sparse": "run_length", "half": "wsp", "dense": "dense"}
