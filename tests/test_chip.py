import math
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.test_events import layer_of
from uticket.base.errors import InputError
from uticket.hardware.chip import DEFAULT_CHIP, Chip, read_chip
from uticket.hardware.energy import Counts, chip_energy
from uticket.hardware.traffic import Accesses, Traffic, layer_traffic
from uticket.mapping.mapping import contiguous, unit_nonzeros


@pytest.fixture
def chip() -> Chip:
    return read_chip(DEFAULT_CHIP)


def write(folder: Path, **changes: object) -> Path:
    """The default chip with some keys, dotted, set to other values."""
    values = YAML(typ="safe").load(DEFAULT_CHIP)
    for key, value in changes.items():
        *above, last = key.split("__")
        block = values
        for part in above:
            block = block[int(part) if part.isdigit() else part]
        block[last] = value
    path = folder / "chip.yaml"
    YAML(typ="safe").dump(values, path)
    return path


def test_default_chip_has_the_numbers_of_the_facts(chip):
    assert chip.leakage_ratio == pytest.approx(0.2089, abs=1e-4)
    assert chip.pe_area_um2 == pytest.approx(177439 + 7278, abs=1)
    nothing = Traffic(*[Accesses(0, 0)] * 3)
    energy = chip_energy(Counts(1, 1, 1, 1, 1, nothing), chip)  # one operation in one cycle of one PE
    expected = {"mac_dynamic_pj": 0.24605, "lif_dynamic_pj": 0.49891, "mem_dynamic_pj": 0.58646}
    expected |= {"mac_leakage_pj": 0.07248, "lif_leakage_pj": 0.20566, "mem_leakage_pj": 0.0}
    assert {name: energy[name] for name in expected} == pytest.approx(expected, abs=2e-4)


def test_leakage_of_the_scratchpad_would_more_than_double_the_ratio(tmp_path):
    for leakage, ratio in ((0.135788 + 0.00418767, 0.472), (0.377189 + 0.00418767, 0.925)):
        chip = read_chip(write(tmp_path, pe__6__leakage={"value": leakage, "unit": "mW", "source": "CACTI 7"}))
        assert chip.leakage_ratio == pytest.approx(ratio, abs=2e-3)


def test_energy_is_counts_times_costs(chip):
    traffic = Traffic(weights=Accesses(10, 5), spikes=Accesses(8, 4), dram=Accesses(3, 2))
    counts = Counts(pes=16, latency_cycles=100, work_cycle=1200, operation=500, update=64, traffic=traffic)
    energy = chip_energy(counts, chip)
    assert energy["mac_dynamic_pj"] == pytest.approx(500 * (0.01185 + 0.140625 + 0.093575))
    assert energy["mac_leakage_pj"] == pytest.approx(16 * 100 * 2.5 * (4 * 9.62e-6 + 256 * (5.29e-5 + 6.02e-5)))
    assert energy["sram_dynamic_pj"] == pytest.approx(10 * 6.5292 + 5 * 5.89278 + 8 * 2.74961 + 4 * 2.50566)
    assert energy["sram_leakage_pj"] == pytest.approx(100 * 2.5 * (29.42768 + 8.006528))
    assert energy["dram_pj"] == pytest.approx(5 * 468.762)


def test_parts_may_be_used_for_each_update_or_cycle(tmp_path):
    chip = read_chip(write(tmp_path, pe__3__actions={"update": 2}, pe__4__actions={"work_cycle": 1}))
    counts = Counts(1, 10, 7, 0, 3, Traffic(*[Accesses(0, 0)] * 3))
    assert chip_energy(counts, chip)["lif_dynamic_pj"] == pytest.approx(2 * 3 * 0.140625 + 7 * 0.0775625)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"clock": {"value": 0, "unit": "MHz", "source": "x"}}, "clock.value: expected greater than 0, came 0"),
        ({"pe__0__energy__unit": "nJ"}, "pe.0.energy.unit: expected 'pJ', came 'nJ'"),
        ({"pe__0__energy__value": -1}, "pe.0.energy.value: expected greater than or equal to 0, came -1"),
        ({"pe__0__energy__source": ""}, "pe.0.energy.source: expected"),
        ({"pe__0__component": "ALU"}, "pe.0.component: expected 'MAC', 'LIF' or 'MEM', came 'ALU'"),
        ({"pe__0__counts": 3}, "pe.0.counts: expected one of .*, came the unknown key 'counts'; did you mean count?"),
        ({"memories": {}}, "memories.weights: expected a value, came nothing"),
        ({"pe": []}, "pe: expected"),
    ],
)
def test_mistake_in_a_chip_file_is_told_in_one_line(tmp_path, changes, told):
    path = write(tmp_path, **changes)
    with pytest.raises(InputError, match=f"chip.yaml: {told}") as error:
        read_chip(path)
    assert "\n" not in error.value.message


@pytest.mark.parametrize("text", ["", "name: [", "- 1", "name: x", "\x00", "a: &a [*a]"])
def test_file_that_is_no_chip_is_told_in_one_line(tmp_path, text):
    (tmp_path / "chip.yaml").write_text(text)
    with pytest.raises(InputError, match=r"chip.yaml: .*expected") as error:
        read_chip(tmp_path / "chip.yaml")
    assert "\n" not in error.value.message
    with pytest.raises(InputError, match="absent.yaml: expected a chip file, came: No such file"):
        read_chip(tmp_path / "absent.yaml")


def test_traffic_of_a_layer_by_hand(chip):
    layer = layer_of(filters=32, channels=4, size=(32, 32))
    mask = np.random.default_rng(0).random((32, 4, 3, 3)) < 0.1
    mapping = contiguous(unit_nonzeros(mask), 16)
    traffic = layer_traffic(layer, mask, mapping, np.ones(2, dtype=np.int64), 4, 256, chip)
    weight_bits = 16 * (int(mask.sum()) + 32 * math.ceil(36 / 16))
    scanned = 4 * 4 * (17 + 17) ** 2  # both groups read four tiles of 17x17: at the rim there is no halo outside
    assert traffic.weights == Accesses(math.ceil(weight_bits / 8), math.ceil(weight_bits / 8))
    assert traffic.spikes == Accesses(2 * scanned // 8, 4 * 32 * 1024 // 8)
    assert traffic.dram == Accesses(math.ceil(weight_bits / 64), 0)


def test_spikes_that_the_memory_cannot_hold_go_through_dram(chip):
    layer = layer_of(filters=16, channels=65, size=(32, 32))  # 65 * 1024 * 4 bits in, of 262,144 that fit
    mask = np.zeros((16, 65, 3, 3), dtype=bool)
    one = np.ones(1, dtype=np.int64)
    traffic = layer_traffic(layer, mask, contiguous(unit_nonzeros(mask), 16), one, 4, 256, chip)
    words, scanned = 16 * math.ceil(65 * 9 / 16), 4 * 65 * 34 * 34  # too much even alone: read again for each tile
    assert traffic.dram == Accesses(math.ceil((16 * words + scanned) / 64), 16 * 1024 * 4 // 64)
    assert traffic.spikes.writes == math.ceil((16 * 1024 * 4 + scanned) / 8)
    fewer = layer_of(filters=16, channels=60, size=(32, 32))  # fits alone, but not beside the output
    traffic = layer_traffic(fewer, mask[:, :60], contiguous(unit_nonzeros(mask), 16), one, 4, 256, chip)
    words = 16 * math.ceil(60 * 9 / 16)
    assert traffic.dram == Accesses((16 * words + 60 * 1024 * 4) // 64, 16 * 1024 * 4 // 64)


def test_weights_that_do_not_fit_are_read_for_each_tile(chip, tmp_path):
    layer = layer_of(filters=2, channels=256, size=(32, 32))
    mask = np.ones((2, 256, 3, 3), dtype=bool)
    mapping = contiguous(unit_nonzeros(mask), 2)
    traffic = layer_traffic(layer, mask, mapping, np.ones(1, dtype=np.int64), 4, 256, chip)
    assert traffic.weights.reads == 4 * traffic.weights.writes
    small = read_chip(write(tmp_path, memories__weights__capacity={"value": 64, "unit": "bytes", "source": "made up"}))
    again = layer_traffic(layer, mask, mapping, np.ones(1, dtype=np.int64), 4, 256, small)
    assert again.weights.writes == traffic.weights.reads  # for each tile from DRAM
