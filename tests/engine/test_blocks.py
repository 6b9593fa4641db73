"""Which filters a sparse convolution computes together."""

import numba
import numpy as np
import pytest

from tests.helpers import rows
from uticket.engine import block_loops
from uticket.engine.blocks import Blocks, find_blocks


@pytest.mark.parametrize(
    ("filters", "blocks"),
    [
        ("AAAA", [[0, 1, 2, 3]]),
        ("AAA", []),
        ("ABBACABA", [[0, 3, 5, 7]]),  # wherever they stand
        ("AAAAAAAAA", [[0, 1, 2, 3], [4, 5, 6, 7]]),  # a team of 8 and one more
        ("BABABABA", [[0, 2, 4, 6], [1, 3, 5, 7]]),
        ("....DDDDAAAA", [[8, 9, 10, 11]]),  # the others keep fewer than four positions
    ],
)
def test_blocks_are_four_filters_of_one_pattern(filters, blocks):
    patterns = {"A": "101011", "B": "011110", "C": "111100", "D": "110100", ".": "000000"}
    mask = rows(*(patterns[f] for f in filters))
    assert find_blocks(mask, stride=1).tolist() == blocks
    assert not len(find_blocks(mask, stride=2))


def test_positions_are_sorted_by_row_then_column():
    mask = np.zeros((4, 2, 3, 3), dtype=bool)
    mask[:, 0, 2, 0] = mask[:, 0, 0, 2] = mask[:, 1, 0, 1] = mask[:, 0, 0, 1] = True
    blocks = Blocks.of(mask, find_blocks(mask, 1), padding=1)
    found = np.stack([blocks.row, blocks.column, blocks.plane], axis=1)
    assert found.tolist() == [[-1, 0, 0], [-1, 0, 1], [-1, 1, 0], [1, -1, 0]]
    weight = np.arange(mask.size).reshape(mask.shape)
    assert (weight[blocks.where] == weight[:, blocks.plane, blocks.row + 1, blocks.column + 1].T).all()


def test_number_of_threads_changes_no_byte():
    rng = np.random.default_rng(0)
    mask = (rng.random((6, 20, 3, 3)) < 0.2).repeat(4, axis=0)[rng.permutation(24)]
    blocks = Blocks.of(mask, find_blocks(mask, 1), padding=1)
    x, grad_out = (rng.standard_normal((n, 2, 6, 5, 12), np.float32) for n in (20, 24))
    weight = rng.standard_normal(mask.shape, np.float32)[blocks.where]
    results, threads = [], numba.get_num_threads()
    for number in (1, min(2, threads)):
        numba.set_num_threads(number)
        out, grad_x, grad = np.empty_like(grad_out), np.empty_like(x), np.empty_like(weight)
        block_loops.convolve(x, *blocks.lists, weight, out)
        block_loops.input_gradient(grad_out, *blocks.lists, weight, True, grad_x)
        block_loops.weight_gradient(x, grad_out, *blocks.lists, grad)
        results.append(b"".join(array.tobytes() for array in (out, grad_x, grad)))
    numba.set_num_threads(threads)
    assert results[0] == results[1]
