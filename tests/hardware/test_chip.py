import math

import pytest

from tests.hardware.chips import write_chip
from uticket.base.errors import InputError
from uticket.hardware.chip import DEFAULT_CHIP, Chip
from uticket.hardware.energy import Counts, chip_energy
from uticket.hardware.traffic import Accesses, Traffic


@pytest.fixture
def chip() -> Chip:
    return Chip.read()


@pytest.mark.parametrize(
    ("cells", "ratio", "mem_dynamic_pj", "mem_leakage_pj"),
    [("lop", 0.2089, 0.58646, 0.0), ("lstp", 0.1379, 1.27459, 0.00042)],
)
def test_chips_have_the_numbers_of_the_facts(cells, ratio, mem_dynamic_pj, mem_leakage_pj):
    chip = Chip.read(DEFAULT_CHIP.parent / f"uticket-32nm-{cells}.yaml")
    assert chip.leakage_ratio == pytest.approx(ratio, abs=1e-4)
    assert chip.pe_area_um2 == pytest.approx(177439 + 7277, abs=2)
    nothing = Traffic(*[Accesses(0, 0)] * 3)
    energy = chip_energy(Counts(1, 1, 1, 1, 1, nothing), chip)  # one operation in one cycle of one PE
    expected = {"mac_dynamic_pj": 0.24605, "lif_dynamic_pj": 0.49891, "mem_dynamic_pj": mem_dynamic_pj}
    expected |= {"mac_leakage_pj": 0.07248, "lif_leakage_pj": 0.20566, "mem_leakage_pj": mem_leakage_pj}
    assert {name: energy[name] for name in expected} == pytest.approx(expected, abs=2e-4)


def test_default_chip_is_that_of_low_standby_power(chip):
    assert chip == Chip.read(DEFAULT_CHIP.parent / "uticket-32nm-lstp.yaml")


def test_chips_differ_in_their_memories_only():
    lop, lstp = (Chip.read(DEFAULT_CHIP.parent / f"uticket-32nm-{cells}.yaml") for cells in ("lop", "lstp"))
    same = {"pe": lop.pe[:6], "fifo": lop.fifo, "scratchpad_words": lop.scratchpad_words, "dram": lop.dram}
    assert same == {"pe": lstp.pe[:6], "fifo": lstp.fifo, "scratchpad_words": lstp.scratchpad_words, "dram": lstp.dram}
    for fast, slow in ((lop.memories.weights, lstp.memories.weights), (lop.memories.spikes, lstp.memories.spikes)):
        assert (fast.capacity, fast.width) == (slow.capacity, slow.width)
        assert slow.leakage.value < fast.leakage.value / 1000
        assert fast.read.value < slow.read.value


def test_leakage_of_the_fast_scratchpad_would_more_than_double_the_ratio(tmp_path):
    dynamic = {"value": 0.586459, "unit": "pJ", "source": "CACTI 7"}
    for leakage, ratio in ((0.135788 + 0.00418767, 0.472), (0.377189 + 0.00418767, 0.925)):
        leaks = {"value": leakage, "unit": "mW", "source": "CACTI 7"}
        chip = Chip.read(write_chip(tmp_path, pe__6__leakage=leaks, pe__6__energy=dynamic))
        assert chip.leakage_ratio == pytest.approx(ratio, abs=2e-3)


def test_energy_is_counts_times_costs(chip):
    traffic = Traffic(weights=Accesses(10, 5), spikes=Accesses(8, 4), dram=Accesses(3, 2))
    counts = Counts(pes=16, latency_cycles=100, work_cycle=1200, operation=500, update=64, traffic=traffic)
    energy = chip_energy(counts, chip)
    assert energy["mac_dynamic_pj"] == pytest.approx(500 * (0.01185 + 0.140625 + 0.093575))
    assert energy["mac_leakage_pj"] == pytest.approx(16 * 100 * 2.5 * (4 * 9.62e-6 + 256 * (5.29e-5 + 6.02e-5)))
    assert energy["sram_dynamic_pj"] == pytest.approx(10 * 18.2767 + 5 * 16.407 + 8 * 7.92427 + 4 * 7.59606)
    assert energy["sram_leakage_pj"] == pytest.approx(
        100 * 2.5 * (16 * (3.72705e-4 + 4.0759e-4) + 16 * (1.0294e-4 + 1.32491e-4))
    )
    assert energy["dram_pj"] == pytest.approx(5 * 2 * 468.762)


def test_parts_may_be_used_for_each_update_or_cycle(tmp_path):
    chip = Chip.read(write_chip(tmp_path, pe__3__actions={"update": 2}, pe__4__actions={"work_cycle": 1}))
    counts = Counts(1, 10, 7, 0, 3, Traffic(*[Accesses(0, 0)] * 3))
    assert chip_energy(counts, chip)["lif_dynamic_pj"] == pytest.approx(2 * 3 * 0.140625 + 7 * 0.0775625)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"clock": {"value": 0, "unit": "MHz", "source": "x"}}, "clock.value: expected greater than 0, got 0"),
        ({"pe__0__energy__unit": "nJ"}, "pe.0.energy.unit: expected 'pJ', got 'nJ'"),
        ({"pe__0__energy__value": -1}, "pe.0.energy.value: expected greater than or equal to 0, got -1"),
        ({"pe__0__energy__source": ""}, "pe.0.energy.source: expected"),
        ({"pe__0__component": "alu"}, "pe.0.component: expected text of the pattern '.*', got 'alu'"),
        ({"pe__0__component": "FIFO"}, "pe.0.component: expected another name than that of the block fifo, got 'FIFO'"),
        ({"pe__0__component": "SRAM"}, "pe.0.component: expected another name than SRAM and DRAM, .*, got 'SRAM'"),
        ({"pe__0__actions": {"operations": 1}}, "pe.0.actions.operations: expected 'operation', .*, got 'operations'"),
        ({"memories__weights__width__value": 0}, "memories.weights.width.value: expected greater than or equal to 1"),
        (
            {"memories__spikes__width__value": 2**63},
            "memories.spikes.width.value: expected less than or equal to 1048576",
        ),
        (
            {"memories__spikes__banks__value": 2**21},
            "memories.spikes.banks.value: expected less than or equal to 1048576",
        ),
        (
            {"dram__bandwidth__value": 1e-300},
            "dram.bandwidth.value: expected greater than or equal to 0.001, got 1e-300",
        ),
        ({"pe__0__energy__value": 1e308}, "pe.0.energy.value: expected less than or equal to 1.*, got 1e.308"),
        ({"pe__0__actions": {"operation": 1e16}}, "pe.0.actions.operation: expected less than or equal to"),
        ({"dram__bandwidth__value": 1e16}, "dram.bandwidth.value: expected less than or equal to"),
        ({"clock__value": 1e300}, "clock.value: expected less than or equal to 1000000, got 1e\\+300"),
        ({"dram__read__value": float("inf")}, "dram.read.value: expected a? ?finite number, got inf"),
        ({"pe__0__counts": 3}, "pe.0.counts: expected one of .*, got the unknown key 'counts'; did you mean count?"),
        ({"memories": {}}, "memories.weights: expected a value, got nothing"),
        ({"pe": []}, "pe: expected"),
    ],
)
def test_mistake_in_a_chip_file_is_reported_in_one_line(tmp_path, changes, expected):
    path = write_chip(tmp_path, **changes)
    with pytest.raises(InputError, match=f"chip.yaml: {expected}") as error:
        Chip.read(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "name: [", "- 1", "name: x", "\x00", "a: &a [*a]"])
def test_file_that_is_no_chip_is_reported_in_one_line(tmp_path, text):
    (tmp_path / "chip.yaml").write_text(text)
    with pytest.raises(InputError, match=r"chip.yaml: .*expected") as error:
        Chip.read(tmp_path / "chip.yaml")
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="absent.yaml: expected YAML, got no file"):
        Chip.read(tmp_path / "absent.yaml")


def test_components_are_those_of_the_chip_file(tmp_path, chip):
    assert chip.components == ["MAC", "LIF", "MEM"]
    other = Chip.read(write_chip(tmp_path, pe__0__component="ALU2"))
    assert other.components == ["ALU2", "MAC", "LIF", "MEM"]
    counts = Counts(2, 10, 7, 5, 3, Traffic(*[Accesses(1, 1)] * 3))
    energy, moved = chip_energy(counts, chip), chip_energy(counts, other)
    assert moved["alu2_dynamic_pj"] + moved["mac_dynamic_pj"] == pytest.approx(energy["mac_dynamic_pj"])
    assert moved["alu2_leakage_pj"] + moved["mac_leakage_pj"] == pytest.approx(energy["mac_leakage_pj"])
    assert moved["alu2_dynamic_pj"] > 0
    assert sum(moved.values()) == pytest.approx(sum(energy.values()))


def test_leakage_ratio_without_dynamic_energy_is_infinite(tmp_path, chip):
    still = [{**part.model_dump(), "actions": {}} for part in chip.pe]
    assert Chip.read(write_chip(tmp_path, pe=still)).leakage_ratio == float("inf")
    assert chip.leakage_pj(1.0) == pytest.approx(1000 / chip.clock.value)


def test_fifos_cost_area_and_energy_by_entry_and_token():
    chip, nothing = Chip.read(), Traffic(*[Accesses(0, 0)] * 3)
    assert chip.fifo_area_um2(512) / (chip.pe_area_um2 + chip.fifo_area_um2(0)) == pytest.approx(0.187, abs=1e-3)
    assert chip.fifo_area_um2(0) == 0
    assert chip.fifo_area_um2(math.inf) == math.inf
    counts = Counts(4, 100, 0, 0, 0, nothing, pushes=30, fifo_depth=8)
    energy = chip_energy(counts, chip)
    assert energy["fifo_dynamic_pj"] == pytest.approx(30 * 2 * 0.212375)
    assert energy["fifo_leakage_pj"] == pytest.approx(4 * 100 * 8 * 2.5 * 3.8625e-5)
    without = chip.model_copy(update={"fifo": None})
    assert not [name for name in chip_energy(counts, without) if name.startswith("fifo")]
    assert without.fifo_area_um2(math.inf) == 0
