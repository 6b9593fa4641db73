import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uticket.hardware.analytic import count_cycles, network_totals
from uticket.hardware.cycles import group_utilization, group_utilization_ceil, layer_cycles
from uticket.mapping.mapping import Array, channel_slices, contiguous
from uticket.ticket.layer import Layer, read_layers, write_layers

LAYER = Layer(
    name="conv2",
    kind="conv",
    filters=4,
    channels=2,
    kernel=(3, 3),
    stride=(1, 1),
    padding=(1, 1),
    input_size=(4, 5),
    output_size=(4, 5),
    reads="spikes",
)


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_cycles_of_a_small_layer_by_hand():
    # groups (3, 1) and (0, 4): latency 3 + 4, work 8, idle 2 * 7 - 8; each used at 20 positions in 2 timesteps
    cycles = layer_cycles(ints(3, 1, 0, 4), contiguous(ints(3, 1, 0, 4), pes=2), positions=20, timesteps=2)
    assert (cycles.work_cycles, cycles.idle_cycles, cycles.latency_cycles) == (8 * 40, 6 * 40, 7 * 40)
    assert cycles.utilization == pytest.approx(((1 - 1 / 3 * 2) + 0) / 2)
    assert cycles.utilization_ceil == pytest.approx(((1 - 1 / 3 * 2) + 0) / 2)


def test_utilization_is_1_when_balanced_and_0_when_one_pe_has_all_the_work():
    assert group_utilization(ints(5, 9, 0), ints(15, 9, 0), pes=3).tolist() == [1.0, 0.0]


def test_published_variant_rounds_the_mean_up():
    assert group_utilization(ints(3), ints(9), pes=4).item() == pytest.approx(1 - (3 - 9 / 4) / 3 * 4 / 3)
    assert group_utilization_ceil(ints(3), ints(9), pes=4).item() == 1.0


def test_idle_spare_pes_wait():
    cycles = layer_cycles(ints(4, 4, 4), contiguous(ints(4, 4, 4), pes=2), spare_pes="idle")
    assert cycles.idle_cycles == 4
    assert cycles.utilization == 0.5  # mean of 1 and 0


def test_spare_pes_share_the_output_positions():
    # two filters on five PEs: two copies, which compute 4 and 3 of the 7 positions; one PE waits
    cycles = layer_cycles(ints(6, 6), contiguous(ints(6, 6), pes=5), positions=7)
    assert (cycles.work_cycles, cycles.latency_cycles, cycles.idle_cycles) == (84, 24, 5 * 24 - 84)
    assert cycles.utilization == pytest.approx(1 - (24 - 84 / 5) / 24 * 5 / 4)
    # on four PEs and 8 positions nobody waits
    even = layer_cycles(ints(6, 6), contiguous(ints(6, 6), pes=4), positions=8)
    assert (even.idle_cycles, even.utilization, even.utilization_ceil) == (0, 1.0, 1.0)
    # no more copies than positions
    assert layer_cycles(ints(6), contiguous(ints(6), pes=9), positions=2).latency_cycles == 6


def test_slices_of_channels_run_filter_by_filter():
    # filters with channel counts (3, 0, 1, 2) and (1, 1, 0, 0) on two PEs: slices (3, 3) and (2, 0)
    cycles = layer_cycles(ints(3, 0, 1, 2, 1, 1, 0, 0), channel_slices(2, 4, pes=2))
    assert (cycles.work_cycles, cycles.latency_cycles, cycles.idle_cycles) == (8, 5, 2)
    assert cycles.utilization == 0.5


def test_one_pe_is_always_busy_and_an_empty_layer_keeps_nobody_waiting():
    assert layer_cycles(ints(5, 0, 2), contiguous(ints(5, 0, 2), pes=1)).utilization == 1.0
    empty = layer_cycles(ints(0, 0, 0, 0), contiguous(ints(0, 0, 0, 0), pes=2))
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
    workload = np.array(nonzeros)
    cycles = layer_cycles(workload, contiguous(workload, pes), positions, timesteps, spare_pes)
    assert cycles.latency_cycles == latency
    assert cycles.work_cycles == work
    assert cycles.work_cycles + cycles.idle_cycles == pes * latency
    assert cycles.utilization == pytest.approx(np.mean(by_group) if by_group else 1.0)
    assert 0 <= cycles.utilization <= cycles.utilization_ceil + 1e-9
    assert cycles.utilization_ceil <= 1


def mask_of(*nonzeros: int) -> np.ndarray:
    """A mask of LAYER's shape with so many weights in each filter."""
    mask = np.zeros((4, 2, 3, 3), dtype=bool)
    for f, count in enumerate(nonzeros):
        mask[f].flat[:count] = True
    return mask


def test_layer_costs_cycles_at_all_positions():
    (result,) = count_cycles([LAYER], {"conv2": mask_of(2, 2, 1, 1)}, Array(pes=2), timesteps=3)
    assert (result.layer, result.nonzeros, result.groups, result.positions) == ("conv2", 6, 2, 20)
    assert (result.weights, result.filters) == (72, 4)
    assert (result.work_cycles, result.idle_cycles, result.latency_cycles) == (360, 0, 180)


def test_array_decides_dataflow_policy_and_spare_pes():
    masks = {"conv2": mask_of(4, 1, 4, 1)}

    def latency(**array: object) -> int:
        return count_cycles([LAYER], masks, Array(**array), timesteps=1)[0].latency_cycles

    assert latency(pes=2) == 8 * 20
    assert latency(pes=2, policy="sorted") == latency(pes=2, policy="paired") == 5 * 20
    assert latency(pes=2, dataflow="input-channels") == 10 * 20  # all weights are in the first channel
    assert latency(pes=8) == 4 * 10
    assert latency(pes=8, spare_pes="idle") == 4 * 20


def test_network_sums_its_layers_and_weights_their_utilization():
    one = count_cycles([LAYER], {"conv2": mask_of(3, 1)}, Array(pes=2), 1)[0]
    other = replace(one, layer="b", weights=3 * one.weights, utilization=0.9)
    empty = replace(one, layer="c", weights=999, nonzeros=0, utilization=1.0, work_cycles=0)
    network = network_totals([one, other, empty])
    assert network.utilization == pytest.approx((one.utilization + 3 * 0.9) / 4)
    assert (network.weights, network.nonzeros, network.work_cycles) == (4 * 72 + 999, 8, 2 * one.work_cycles)
    assert network_totals([empty]).utilization == 1.0


def test_layers_json_is_read_as_written_and_mistakes_are_told(tmp_path):
    path = tmp_path / "layers.json"
    write_layers(path, [LAYER], timesteps=4)
    assert read_layers(path) == ([LAYER], 4)
    document = json.loads(path.read_text())
    document["layers"][0]["filters"] = 0
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match="layers.json: layers.0.filters: expected greater than or equal to 1, came 0"):
        read_layers(path)
    path.write_text(path.read_text()[:200])
    with pytest.raises(ValueError, match="layers.json: expected JSON, came: EOF"):
        read_layers(path)
    with pytest.raises(ValueError, match="absent: expected a readable file"):
        read_layers(tmp_path / "absent")


def test_layers_that_do_not_read_spikes_do_not_run_on_the_pes():
    assert LAYER.on_pes
    assert not LAYER.model_copy(update={"reads": "image"}).on_pes
    assert not LAYER.model_copy(update={"kind": "linear"}).on_pes


def test_output_size_must_follow_from_the_others(tmp_path):
    path = tmp_path / "layers.json"
    write_layers(path, [LAYER.model_copy(update={"output_size": (40, 40)})], timesteps=4)
    with pytest.raises(ValueError, match=r"layers.0.output_size: expected \(4, 5\), which .* give, came \(40, 40\)"):
        read_layers(path)
