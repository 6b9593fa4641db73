"""Each rival: against the slow count, by hand, and against what its record says."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.helpers import layer_of
from tests.rivals.plain import PLAIN, inputs_of
from uticket.config.tables import RIVALS
from uticket.rivals import dense, ptb
from uticket.rivals.lowered import Lowered, lower
from uticket.rivals.rival import grid
from uticket.ticket.layer import Layer

GRIDS = {"dense": dense.PUBLISHED, "ptb": ptb.PUBLISHED}


def layer_with(filters, channels, size, kernel, stride, padding, dilation) -> Layer:
    dilation = tuple(d if (k - 1) * d < n else 1 for d, k, n in zip(dilation, kernel, size, strict=True))
    return layer_of(filters, channels, size, kernel, stride, padding, dilation=dilation)


SIZES = st.tuples(st.integers(3, 6), st.integers(3, 6))
LAYERS = st.builds(
    layer_with,
    filters=st.integers(1, 9),
    channels=st.integers(1, 16),
    size=SIZES,
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
)


def made_up(layer: Layer, timesteps: int, rate: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Spikes of which some neurons have none and some have the same, and a mask."""
    rng = np.random.default_rng(seed)
    chance = rate * rng.gamma(0.5, 2.0, size=(1, layer.channels, *layer.input_size))
    return rng.random((timesteps, *chance.shape[1:])) < chance, rng.random(layer.weight_shape) < rng.random()


@pytest.mark.parametrize("name", RIVALS)
@settings(deadline=None, max_examples=40)
@given(LAYERS, st.integers(1, 9), st.sampled_from([0.05, 0.3, 1.0]), st.integers(1, 40), st.integers(0, 999))
@example(layer_of(5, 15, (6, 6)), 8, 0.1, 16, 0)  # 135 inputs, 288 rows of spikes
@example(layer_of(3, 2, (3, 3)), 5, 0.0, 6, 0)  # no spikes
@example(layer_of(9, 4, (6, 6)), 6, 0.2, 128, 0)
def test_cycles_are_those_of_the_slow_count(name, layer, timesteps, rate, pes, seed):
    spikes, mask = made_up(layer, timesteps, rate, seed)
    size = grid(pes, GRIDS[name], ptb.WORD) if name in GRIDS else pes
    expected = PLAIN[name](layer, inputs_of(layer, spikes), mask, size)
    assert RIVALS[name].cycles(lower(layer, spikes, mask), pes) == expected


def lowered(*timesteps: list[str], kept: list[str]) -> Lowered:
    """Rows of 0 and 1: the inputs of each output position by timestep, and the weights of each filter."""
    return Lowered(np.array([[[c == "1" for c in row] for row in rows] for rows in timesteps]), bits(kept))


def bits(rows: list[str]) -> np.ndarray:
    return np.array([[c == "1" for c in row] for row in rows])


TWO_STEPS = lowered(["1100", "1110", "0000"], ["1100", "0001", "0100"], kept=["1000", "0101", "0000"])


@pytest.mark.parametrize(
    ("name", "cycles"),
    [
        ("dense", 2 * 2 * 3 * 2),  # a grid of 2 x 2: 2 tiles of filters, 2 of inputs; 3 positions, 2 timesteps
        ("spinalflow", 9),  # 2 + 3 + 0 + 2 + 1 + 1 spikes; 3 filters fit on 4 PEs
        ("sato", 3 * 3),  # jobs of 2, 3, 0, 2, 1 and 1 spikes on 4 PEs: 2 + 1, 3, 2, 1
        ("ptb", 2 * (2 + 4 + 1)),  # a grid of 4 x 1: windows 1100, 1111 and 0100, two timesteps each
        # live inputs 1100, 1111, 0100; matches 1, 1, 0 with the first filter, 1, 2, 1 with the second; at least 1 each
        ("loas", 3 + 4 + 3),  # one TPPE
        # position by position 1100 1100 1110 0001 0000 0100: 1 + 1 (equal) + 1 (1100 is in it) + 1 + 0 + 1, the first
        # 1100 contains 0100; looking takes 3 cycles
        ("prosperity", 5),
    ],
)
def test_a_layer_counted_by_hand(name, cycles):
    assert RIVALS[name].cycles(TWO_STEPS, 4) == cycles


def test_ptb_packs_inputs_into_the_columns_counted_by_hand():
    """Windows 1100, 1111 and 0100 in two columns: (1100, 0100), then (1111, none)."""
    rows = lowered(["1100", "1111", "0100"], kept=["1111"] * 9)
    assert grid(16, ptb.PUBLISHED) == (8, 2)
    assert ptb.ptb_cycles(rows, 16) == 2 * (2 + 4)


def test_inputs_that_never_spike_together_share_their_time_once():
    """Inputs in columns {0}, {0}, {1}, {1}, {0, 1}, {}: the first pairs with the third, the second with the fourth."""
    live = bits(["110010", "001110"])
    assert ptb.columns_of(live, 2).tolist() == [[1, 1, 2, 2, 3, 0]]
    assert ptb.paired_steps(ptb.columns_of(live, 2)) == 3
    assert ptb.paired_steps(np.array([[1, 1, 1, 2]], dtype=np.uint64)) == 3
    assert ptb.paired_steps(np.array([[2**64 - 1, 1, 2**63]], dtype=np.uint64)) == 2


def test_a_window_is_no_longer_than_the_timesteps():
    spikes = np.ones((3, 1, 2), dtype=bool)
    assert ptb.ptb_cycles(Lowered(spikes, np.ones((1, 2), dtype=bool)), 2) == 2 * 3
    assert ptb.windows_of(np.eye(5, dtype=bool)[:, None], 4).tolist() == [[True] * 4 + [False], [False] * 4 + [True]]


@pytest.mark.parametrize(
    ("pes", "published", "expected"),
    [
        (168, (12, 14), (12, 14)),
        (128, (16, 8), (16, 8)),
        (16, (12, 14), (4, 4)),
        (16, (16, 8), (8, 2)),
        (7, (16, 8), (7, 1)),
    ],
)
def test_a_grid_has_all_pes_and_nearly_the_published_proportions(pes, published, expected):
    assert grid(pes, published) == expected


def test_a_grid_may_have_a_limit_of_columns():
    assert grid(65536, (16, 8)) == (512, 128)
    assert grid(65536, (16, 8), most_columns=64) == (1024, 64)


@pytest.mark.parametrize("name", RIVALS)
def test_what_a_rival_skips_is_what_its_record_says(name):
    """Take away weights, timesteps and neurons, and make rows differ."""
    rival, layer = RIVALS[name], layer_of(16, 8, (8, 8))
    every = np.ones((16, 8, 8, 8), dtype=bool)
    timestep = np.arange(16).reshape(16, 1, 1, 1)
    window, once = every & (timestep < 4), every & (timestep == 0)
    silent = every & (np.arange(8).reshape(1, 8, 1, 1) < 4)
    scattered = np.random.default_rng(0).random(every.shape) < 0.5

    def cycles(spikes: np.ndarray, density: float = 1.0) -> int:
        mask = np.random.default_rng(1).random(layer.weight_shape) < density
        return rival.cycles(lower(layer, spikes, mask), 16)

    found = {
        "weights": cycles(every, density=0.5) < cycles(every),
        "neurons": cycles(silent) < cycles(every) == cycles(once),
        "windows": cycles(silent) < cycles(every) > cycles(window) == cycles(once),
        "spikes": cycles(every) > cycles(window) > cycles(once),
        "repeats": cycles(scattered) > cycles(every),
    }
    assert {what for what, skipped in found.items() if skipped} == set(rival.skips)


def test_rivals_are_described():
    for rival in RIVALS.values():
        assert all([rival.title, rival.source, rival.adders, rival.leaves_out])
