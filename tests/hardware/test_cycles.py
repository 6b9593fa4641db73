import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import placed_mask, placed_workload
from uticket.hardware.cycles import group_utilization, group_utilization_ceil, layer_cycles, mean_utilization


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_cycles_of_a_small_layer_by_hand():
    # groups (3, 1) and (0, 4): latency 3 + 4, work 8, idle 2 * 7 - 8; each used at 20 positions in 2 timesteps
    cycles = layer_cycles(placed_workload([3, 1, 0, 4], pes=2, positions=20), timesteps=2)
    assert (cycles.work_cycles, cycles.idle_cycles, cycles.latency_cycles) == (8 * 40, 6 * 40, 7 * 40)
    assert cycles.utilization == pytest.approx(((1 - 1 / 3 * 2) + 0) / 2)
    assert cycles.utilization_ceil == pytest.approx(((1 - 1 / 3 * 2) + 0) / 2)


def test_utilization_is_1_when_balanced_and_0_when_one_pe_has_all_the_work():
    assert group_utilization(ints(5, 9, 0), ints(15, 9, 0), pes=3).tolist() == [1.0, 0.0]


def test_published_variant_rounds_the_mean_up():
    assert group_utilization(ints(3), ints(9), pes=4).item() == pytest.approx(1 - (3 - 9 / 4) / 3 * 4 / 3)
    assert group_utilization_ceil(ints(3), ints(9), pes=4).item() == 1.0


def test_idle_spare_pes_wait():
    cycles = layer_cycles(placed_workload([4, 4, 4], pes=2, spare_pes="idle"))
    assert cycles.idle_cycles == 4
    assert cycles.utilization == 0.5  # mean of 1 and 0


def test_spare_pes_share_the_output_positions():
    # two filters on five PEs: two copies, which compute 4 and 3 of the 7 positions; one PE waits
    cycles = layer_cycles(placed_workload([6, 6], pes=5, positions=7))
    assert (cycles.work_cycles, cycles.latency_cycles, cycles.idle_cycles) == (84, 24, 5 * 24 - 84)
    assert cycles.utilization == pytest.approx(1 - (24 - 84 / 5) / 24 * 5 / 4)
    # on four PEs and 8 positions nobody waits
    even = layer_cycles(placed_workload([6, 6], pes=4, positions=8))
    assert (even.idle_cycles, even.utilization, even.utilization_ceil) == (0, 1.0, 1.0)
    # no more copies than positions
    assert layer_cycles(placed_workload([6], pes=9, positions=2)).latency_cycles == 6


def test_slices_of_channels_run_filter_by_filter():
    # filters with channel counts (3, 0, 1, 2) and (1, 1, 0, 0) on two PEs: slices (3, 3) and (2, 0)
    counts = np.array([[3, 0, 1, 2], [1, 1, 0, 0]])
    mask = np.arange(3) < counts[:, :, None, None]
    cycles = layer_cycles(placed_mask(mask, 2, dataflow="input-channels"))
    assert (cycles.work_cycles, cycles.latency_cycles, cycles.idle_cycles) == (8, 5, 2)
    assert cycles.utilization == 0.5


def test_equal_parts_of_the_outputs_keep_all_pes_busy_whatever_the_mask():
    cycles = layer_cycles(placed_workload([7, 0, 2], pes=4, positions=8, dataflow="outputs"))
    assert (cycles.latency_cycles, cycles.idle_cycles, cycles.utilization) == (9 * 2, 0, 1.0)
    small = layer_cycles(placed_workload([7, 0, 2], pes=4, positions=2, dataflow="outputs"))  # two PEs have none
    assert (small.latency_cycles, small.idle_cycles) == (9, 2 * 9)
    assert small.utilization == pytest.approx(1 - (9 - 9 / 2) / 9 * 4 / 3)


def test_one_pe_is_always_busy_and_an_empty_layer_keeps_nobody_waiting():
    assert layer_cycles(placed_workload([5, 0, 2], pes=1)).utilization == 1.0
    empty = layer_cycles(placed_workload([0, 0, 0, 0], pes=2))
    assert (empty.latency_cycles, empty.idle_cycles, empty.utilization) == (0, 0, 1.0)


@settings(max_examples=300)
@given(
    nonzeros=st.lists(st.integers(0, 50), min_size=1, max_size=40),
    pes=st.integers(1, 48),
    positions=st.integers(1, 9),
    timesteps=st.integers(1, 4),
    spare_pes=st.sampled_from(["idle", "split_outputs"]),
)
def test_counts_agree_with_a_plain_loop_over_pes_and_positions(nonzeros, pes, positions, timesteps, spare_pes):
    latency = work = 0
    by_group = []
    for start in range(0, len(nonzeros), pes):
        group = nonzeros[start : start + pes]
        copies = min(pes // len(group), positions) if spare_pes == "split_outputs" else 1
        operations = [0] * pes
        for position in range(positions):
            for place, count in enumerate(group):
                operations[position % copies * len(group) + place] += count
        latency += max(operations) * timesteps
        work += sum(operations) * timesteps
        if max(group) > 0:
            mean = sum(operations) / pes
            busiest = max(operations)
            by_group.append(1 - (busiest - mean) / busiest * pes / (pes - 1) if pes > 1 else 1.0)
    cycles = layer_cycles(placed_workload(nonzeros, pes, positions, spare_pes=spare_pes), timesteps)
    assert cycles.latency_cycles == latency
    assert cycles.work_cycles == work
    assert cycles.work_cycles + cycles.idle_cycles == pes * latency
    assert cycles.utilization == pytest.approx(np.mean(by_group) if by_group else 1.0)
    assert 0 <= cycles.utilization <= cycles.utilization_ceil + 1e-9
    assert cycles.utilization_ceil <= 1


def test_mean_utilization_is_weighted_by_the_weights_of_layers_with_work():
    assert mean_utilization([(72, 4, 0.5), (216, 9, 0.9), (999, 0, 1.0)]) == pytest.approx((0.5 + 3 * 0.9) / 4)
    assert mean_utilization([(999, 0, 1.0)]) == 1.0
