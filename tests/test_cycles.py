import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uticket.hardware.analytic import LayerResult, network_result, simulate_layer
from uticket.hardware.cycles import group_utilization, group_utilization_ceil, layer_cycles
from uticket.layers import Layer, read_layers, write_layers
from uticket.mapping import contiguous

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


def test_cycles_of_a_small_layer_by_hand():
    # groups (3, 1) and (0, 4): latency 3 + 4, work 8, idle 2 * 7 - 8; each used at 20 positions in 2 timesteps
    cycles = layer_cycles(np.array([3, 1, 0, 4]), contiguous(4, pes=2), positions=20, timesteps=2)
    assert (cycles.work_cycles, cycles.idle_cycles, cycles.latency_cycles) == (8 * 40, 6 * 40, 7 * 40)
    assert cycles.utilization == pytest.approx(((1 - 1 / 3 * 2) + 0) / 2)
    assert cycles.utilization_ceil == pytest.approx(((1 - 1 / 3 * 2) + 0) / 2)


def test_utilization_is_1_when_balanced_and_0_when_one_pe_has_all_the_work():
    assert group_utilization(np.array([[5, 5, 5], [0, 9, 0], [0, 0, 0]])).tolist() == [1.0, 0.0]


def test_published_variant_rounds_the_mean_up():
    workload = np.array([[3, 2, 2, 2]])
    assert group_utilization(workload).item() == pytest.approx(1 - (3 - 9 / 4) / 3 * 4 / 3)
    assert group_utilization_ceil(workload).item() == 1.0


def test_missing_filters_of_a_short_group_count_as_waiting_pes():
    assert layer_cycles(np.array([4, 4, 4]), contiguous(3, pes=2)).idle_cycles == 4
    assert layer_cycles(np.array([4, 4, 4]), contiguous(3, pes=2)).utilization == 0.5  # mean of 1 and 0


def test_one_pe_is_always_busy_and_an_empty_layer_keeps_nobody_waiting():
    assert layer_cycles(np.array([5, 0, 2]), contiguous(3, pes=1)).utilization == 1.0
    empty = layer_cycles(np.zeros(4, dtype=np.int64), contiguous(4, pes=2))
    assert (empty.latency_cycles, empty.idle_cycles, empty.utilization) == (0, 0, 1.0)


@settings(max_examples=300)
@given(
    nonzeros=st.lists(st.integers(0, 50), min_size=1, max_size=40),
    pes=st.integers(1, 48),
    positions=st.integers(1, 9),
    timesteps=st.integers(1, 4),
)
def test_counts_agree_with_a_plain_loop_over_groups(nonzeros, pes, positions, timesteps):
    latency = work = 0
    by_group = []
    for start in range(0, len(nonzeros), pes):
        group = nonzeros[start : start + pes]
        latency += max(group) * positions * timesteps
        work += sum(group) * positions * timesteps
        if max(group) > 0:
            mean = sum(group) / pes
            by_group.append(1 - (max(group) - mean) / max(group) * pes / (pes - 1) if pes > 1 else 1.0)
    cycles = layer_cycles(np.array(nonzeros), contiguous(len(nonzeros), pes), positions, timesteps)
    assert cycles.latency_cycles == latency
    assert cycles.work_cycles == work
    assert cycles.work_cycles + cycles.idle_cycles == pes * latency
    assert cycles.utilization == pytest.approx(np.mean(by_group) if by_group else 1.0)
    assert 0 <= cycles.utilization <= cycles.utilization_ceil <= 1


def test_layer_costs_cycles_at_all_positions_and_energy_by_its_sparsity():
    result = simulate_layer(LAYER, np.array([2, 2, 1, 1]), contiguous(4, 2), 3, spike_sparsity=0.75, leakage_ratio=0.2)
    assert (result.nonzeros, result.groups, result.positions, result.weights) == (6, 2, 20, 72)
    assert (result.work_cycles, result.idle_cycles, result.latency_cycles) == (360, 0, 180)
    assert result.energy == pytest.approx(360 * (0.25 + 0.2))


def test_network_sums_its_layers_and_weights_their_utilization():
    one = LayerResult("a", 4, 100, 10, 1, 1, 0.5, 20, 4, 6, 3.0)
    other = replace(one, layer="b", weights=300, utilization=0.9, energy=1.5)
    empty = replace(one, layer="c", weights=999, nonzeros=0, utilization=1.0, work_cycles=0, idle_cycles=0)
    network = network_result([one, other, empty])
    assert network.utilization == pytest.approx((100 * 0.5 + 300 * 0.9) / 400)
    assert (network.weights, network.nonzeros, network.work_cycles, network.energy) == (1399, 20, 40, 7.5)
    assert network_result([empty]).utilization == 1.0


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
