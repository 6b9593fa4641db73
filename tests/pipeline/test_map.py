"""What the stage `map` says of where weights run and how they are stored."""

import csv

import numpy as np
import pytest

from tests.helpers import LAYER, layer_of, mask_of, placed_mask, placed_workload, rows
from uticket.config.array import Array
from uticket.config.paths import mapping_files, ticket_files
from uticket.config.plan import ChainPlan
from uticket.hardware.chip import Chip
from uticket.mapping.placed import place
from uticket.pipeline.map import map_chain, places_of, storage_of, totals_of
from uticket.ticket.mask import Mask
from uticket.ticket.ticket import Ticket


def test_each_filter_has_a_place_and_a_workload():
    placed = placed_workload([3, 0, 4], pes=2)
    assert places_of(placed) == [
        {"layer": "conv", "filter": 0, "group": 0, "pe": 0, "workload": 3},
        {"layer": "conv", "filter": 1, "group": 0, "pe": 1, "workload": 0},
        {"layer": "conv", "filter": 2, "group": 1, "pe": 0, "workload": 4},
    ]


def test_channels_of_a_slice_are_summed_up():
    placed = placed_mask(rows("11010", "00001"), pes=2, dataflow="input-channels")  # slices of 3 and 2 channels
    found = [(row["filter"], row["group"], row["pe"], row["workload"]) for row in places_of(placed)]
    assert found == [(0, 0, 0, 2), (0, 0, 1, 1), (1, 1, 0, 0), (1, 1, 1, 1)]


def test_pairs_share_a_place():
    found = places_of(placed_workload([1, 2, 3, 4], pes=2, mapping="paired"))
    assert [(row["group"], row["pe"]) for row in found] == [(0, 0), (0, 1), (0, 1), (0, 0)]


def test_storage_of_a_layer_by_hand():
    placed = placed_mask(mask_of(2, 5), pes=4)
    row = storage_of(placed, Array(pes=4), Chip.read())
    assert row["layer"] == "conv"
    assert row["dense_bits"] == 72 * 16
    assert row["bitmap_bits"] == 72 + 7 * 16
    assert row["wsp_bits"] == 16 * (7 + 4 * 2)  # a WSP of 18 bits takes two words of each filter
    assert (row["scratchpad_words"], row["scratchpad_passes"]) == (7, 1)
    assert storage_of(placed, Array(pes=4, weight_bits=4), Chip.read())["dense_bits"] == 72 * 4


def test_totals_are_those_of_the_whole_network():
    ticket = Ticket(
        (LAYER, layer_of(name="conv3")), Mask({"conv2": mask_of(2, 2, 1, 1), "conv3": mask_of(4, 1, 4, 1)}), None, 3
    )
    totals = totals_of(ticket, Array(pes=2))
    assert (totals["filters"], totals["weights"], totals["nonzeros"], totals["groups"]) == (8, 144, 16, 4)
    assert totals["latency_cycles"] == (3 + 8) * 20 * 3
    assert totals["work_cycles"] + totals["idle_cycles"] == 2 * totals["latency_cycles"]
    assert totals_of(ticket, Array(pes=2, mapping="sorted"))["latency_cycles"] == (3 + 5) * 20 * 3


@pytest.fixture
def chain(tmp_path, monkeypatch) -> ChainPlan:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, density in (("dense", 1.0), ("lth/r01", 0.2)):
        mask = rng.random(LAYER.weight_shape) < density
        weights = {"conv2": rng.normal(size=mask.shape) * mask}
        Ticket((LAYER,), Mask({"conv2": mask}), weights, 2).write(ticket_files(name).folder)
    return ChainPlan(method="lth", rounds={"dense": 0, "lth/r01": 1})


def table(path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_tables_have_rows_for_each_ticket_mapping_and_number_of_bits(chain):
    array, files = Array(pes=2), mapping_files("lth")
    map_chain(chain, array, Chip.read(), bits=[8, 2])
    assert [row["ticket"] for row in table(files.places)] == ["dense"] * 4 + ["lth/r01"] * 4
    assert [row["ticket"] for row in table(files.storage)] == ["dense", "lth/r01"]
    kinds = [(row["ticket"], row["mapping"]) for row in table(files.mappings)]
    assert kinds == [(t, m) for t in ("dense", "lth/r01") for m in ("contiguous", "patterns", "sorted", "paired")]
    rounded = {(r["ticket"], r["weight_bits"], r["quantizer"]): int(r["nonzeros"]) for r in table(files.rounded)}
    assert len(rounded) == 2 * 2 * 2
    kept = int(Ticket.read("tickets/lth/r01").mask.num_kept)
    assert rounded["lth/r01", "2", "keep_mask"] == kept > rounded["lth/r01", "2", "plain"]


def test_places_are_those_of_what_the_array_holds(chain):
    map_chain(chain, Array(pes=2, weight_bits=2), Chip.read(), bits=[])
    ticket = Ticket.read("tickets/lth/r01")
    (placed,) = place(ticket, Array(pes=2, weight_bits=2))
    workloads = [int(row["workload"]) for row in table(mapping_files("lth").places) if row["ticket"] == "lth/r01"]
    assert workloads == placed.nonzeros.tolist()
    assert sum(workloads) < ticket.mask.num_kept
    assert table(mapping_files("lth").rounded) == []
