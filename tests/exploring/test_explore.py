"""`ut.explore`: points, what is kept of them, and the Pareto front."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import uticket as ut
from tests.exploring.helpers import SPACE, small_ticket
from uticket.exploring import workers
from uticket.exploring.keys import digest_of
from uticket.exploring.pareto import on_front
from uticket.exploring.point import OBJECTIVES, run_point
from uticket.hardware.chip import DEFAULT_CHIP

TICKET = small_ticket()
OTHER_CHIP = DEFAULT_CHIP.with_name("uticket-32nm-lop.yaml")


@pytest.fixture
def computed(monkeypatch) -> list:
    """The points that were computed, not read."""
    points: list = []

    def noting(ticket, point, chip, model):
        points.append(point)
        return run_point(ticket, point, chip, model)

    monkeypatch.setattr(workers, "run_point", noting)
    return points


def test_each_row_is_what_audit_and_simulate_say_of_its_setting():
    found = ut.explore(TICKET, SPACE | {"chip": [str(DEFAULT_CHIP), str(OTHER_CHIP)]})
    assert len(found.rows) == 36
    chips = {str(path): ut.Chip.read(path) for path in (DEFAULT_CHIP, OTHER_CHIP)}
    for row in found.rows[::5]:
        array = ut.Array(pes=row["hw.pes"], mapping=row["hw.mapping"])
        broadcast, chip = ut.Broadcast(fifo_depth=row["hw.broadcast.fifo_depth"]), chips[row["hw.chip"]]
        expected = ut.simulate(TICKET, array, broadcast, chip)
        assert {name: row[name] for name in expected.network.columns()} == expected.network.columns()
        assert row["latency_us"] == expected.network.latency_cycles / chip.clock.value
        memories = chip.memories.weights.area.value + chip.memories.spikes.area.value
        assert row["area_um2"] == row["hw.pes"] * expected.pe_area_um2 + memories
        audited = ut.audit(TICKET, array)
        assert (row["audit_utilization"], row["audit_latency_cycles"]) == (
            audited.utilization,
            audited.network.latency_cycles,
        )


def test_the_front_is_that_of_each_ticket():
    tickets = {"one": TICKET, "other": small_ticket(1)}
    found = ut.explore(tickets, SPACE)
    assert [row["ticket"] for row in found.rows] == ["one"] * 18 + ["other"] * 18
    alone = ut.explore({"other": tickets["other"]}, SPACE)
    assert [row for row in found.front if row["ticket"] == "other"] == alone.front
    assert 0 < len(alone.front) < 18
    assert found.frame()["pareto"].sum() == len(found.front)


def slow_front(costs: np.ndarray) -> list[bool]:
    """Compare each point with each other."""
    return [not any((q <= p).all() and (q < p).any() for q in costs) for p in costs]


@given(arrays(float, st.tuples(st.integers(0, 12), st.just(3)), elements=st.sampled_from([0, 1, 2, 3, np.inf])))
def test_the_front_is_what_no_point_is_better_than(costs):
    assert on_front(costs).tolist() == slow_front(costs)


def test_what_is_kept_is_not_computed_again(tmp_path, computed):
    record = tmp_path / "new" / "points.jsonl"
    first = ut.explore(TICKET, SPACE | {"pes": [2, 4]}, record=record)
    assert len(computed) == 12
    assert ut.explore(TICKET, SPACE, record=record).rows[:12][0]["latency_us"] == first.rows[0]["latency_us"]
    assert len(computed) == 18
    again = ut.explore(TICKET, SPACE, record=record)
    assert len(computed) == 18
    assert again == ut.explore(TICKET, SPACE)
    assert not [line for line in record.read_text().splitlines() if "Infinity" in line or not json.loads(line)]


def test_what_another_ticket_model_or_chip_costs_is_computed(tmp_path, computed):
    record, space = tmp_path / "points.jsonl", {"pes": [2]}
    for ticket, model, chip in (
        (TICKET, "events", DEFAULT_CHIP),
        (small_ticket(1), "events", DEFAULT_CHIP),
        (TICKET, "analytic", DEFAULT_CHIP),
        (TICKET, "events", OTHER_CHIP),
    ):
        before = len(computed)
        for _ in range(2):
            ut.explore(ticket, space | {"chip": str(chip)}, model, record=record)
        assert len(computed) == before + 1


def test_what_other_code_found_is_computed(tmp_path, computed, monkeypatch):
    record = tmp_path / "points.jsonl"
    ut.explore(TICKET, {"pes": [2]}, record=record)
    monkeypatch.setattr("uticket.exploring.explore.installed_version", lambda: "0.2.0 fedcba98")
    ut.explore(TICKET, {"pes": [2]}, record=record)
    assert len(computed) == 2


@pytest.mark.parametrize("cut", [-1, -20, 5])
def test_a_run_that_was_killed_while_it_wrote_resumes(tmp_path, computed, cut):
    record = tmp_path / "points.jsonl"
    expected = ut.explore(TICKET, SPACE, record=record)
    lines = record.read_bytes().splitlines(keepends=True)
    record.write_bytes(b"".join(lines[:7]) + lines[7][:cut])
    computed.clear()
    assert ut.explore(TICKET, SPACE, record=record) == expected
    assert len(computed) in (10, 11)  # without its line feed only, a line is whole
    computed.clear()
    assert ut.explore(TICKET, SPACE, record=record) == expected
    assert not computed


def test_each_result_is_kept_at_once(tmp_path, monkeypatch):
    """A run that fails at its third point keeps two."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    ran = []

    def failing(*point):
        ran.append(point)
        if len(ran) == 3:
            raise ut.InputError("stopped here")
        return run_point(*point)

    monkeypatch.setattr(workers, "run_point", failing)
    with pytest.raises(ut.InputError, match="stopped here"):
        ut.explore(TICKET, SPACE, record=tmp_path / "points.jsonl")
    assert len((tmp_path / "points.jsonl").read_text().splitlines()) == 2


def test_a_run_that_cannot_keep_a_result_stops_computing(tmp_path, monkeypatch):
    """Its threads have ended when its error is raised."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    ran = []

    def slow(*point):
        ran.append(point)
        time.sleep(0.05)
        return run_point(*point)

    monkeypatch.setattr(workers, "run_point", slow)
    (tmp_path / "file").touch()
    with pytest.raises(ut.InputError, match="expected"):
        ut.explore(TICKET, SPACE | {"pes": list(range(1, 40))}, record=tmp_path / "file" / "points.jsonl")
    num = len(ran)
    assert 0 < num < 100
    time.sleep(0.3)
    assert len(ran) == num


def test_all_that_a_ticket_holds_is_in_its_digest():
    changed = small_ticket().mask["conv2"].copy()
    changed[0, 0, 0, 0] ^= True
    spikes = {name: values.copy() for name, values in TICKET.spikes.items()}
    spikes["conv3"][0, 0, 0, 0, 0] ^= True
    tickets = [
        TICKET,
        replace(TICKET, mask=TICKET.mask.replace({"conv2": changed})),
        replace(TICKET, spikes=spikes),
        replace(TICKET, weights={name: 2 * values for name, values in TICKET.weights.items()}),
        replace(TICKET, spike_sparsity={"conv2": 0.5, "conv3": 0.5}),
        TICKET.choose("all"),
    ]
    assert len({digest_of(ticket) for ticket in tickets}) == len(tickets)
    assert digest_of(small_ticket()) == digest_of(TICKET)


def without_front(row: dict) -> dict:
    """A row as it is in any selection of points."""
    return {name: value for name, value in row.items() if name != "pareto"}


def test_a_search_tries_points_of_the_grid_the_same_ones_each_time(tmp_path, computed):
    pytest.importorskip("optuna")
    space = SPACE | {"weight_bits": [None, 4], "accumulators": [4, 8, 16, 32]}
    found = ut.explore(TICKET, space, search=32, seed=3, record=tmp_path / "points.jsonl")
    num = len(computed)
    assert 16 < num == len(found.rows) <= 32
    assert ut.explore(TICKET, space, search=32, seed=3, record=tmp_path / "points.jsonl") == found
    assert len(computed) == num
    grid = [without_front(row) for row in ut.explore(TICKET, space).rows]
    assert len(grid) == 144
    assert all(without_front(row) in grid for row in found.rows)
    other = ut.explore(TICKET, space, search=32, seed=4)
    assert {tuple(row.values()) for row in other.rows} != {tuple(row.values()) for row in found.rows}


def test_a_search_comes_near_to_the_best_points():
    pytest.importorskip("optuna")
    from uticket.config.space import Space
    from uticket.exploring.search import search

    space, tried = Space.of({"pes": list(range(1, 65)), "accumulators": list(range(1, 65))}), []

    def costs_of(points):
        tried.extend(point.array.pes + point.array.accumulators for point in points)
        return [[point.array.pes, point.array.accumulators, 1.0] for point in points]

    search(space, 400, 0, costs_of)
    assert len(tried) == 400
    assert np.mean(tried[-50:]) < np.mean(tried[:50]) * 2 / 3


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    for name in ("optuna", "distributed"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ut.InputError, match="--search: expected Optuna to be installed, got none; pip install optuna"):
        ut.explore(TICKET, SPACE, search=4)
    with pytest.raises(
        ut.InputError, match=r"--dask: expected distributed to be installed, .*; pip install distributed"
    ):
        ut.explore(TICKET, SPACE, scheduler="tcp://127.0.0.1:1")


def test_a_space_no_larger_than_the_search_is_tried_whole():
    assert ut.explore(TICKET, SPACE, search=18) == ut.explore(TICKET, SPACE)


def test_wrong_input_is_an_input_error(tmp_path):
    with pytest.raises(ut.InputError, match="model: expected one of analytic, events, got 'spice'"):
        ut.explore(TICKET, SPACE, "spice")
    with pytest.raises(ut.InputError, match=r"absent.yaml: expected YAML, got no file"):
        ut.explore(TICKET, {"chip": "absent.yaml"})
    many = {"pes": list(range(1, 400)), "accumulators": list(range(1, 400))}
    with pytest.raises(ut.InputError, match="expected at most 100,000 points of a grid, got 159,201; try a search"):
        ut.explore(TICKET, many)
    with pytest.raises(ut.InputError, match="expected its spikes|expected spikes"):
        ut.explore(replace(TICKET, spikes=None), SPACE)
    (tmp_path / "points.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(ut.InputError, match=r"points.jsonl: expected results of uticket explore, got"):
        ut.explore(TICKET, SPACE, record=tmp_path / "points.jsonl")
    with pytest.raises(ut.InputError, match="expected results of uticket explore, got a folder"):
        ut.explore(TICKET, SPACE, record=Path(tmp_path))
    assert OBJECTIVES == ("latency_us", "total_pj", "area_um2")
