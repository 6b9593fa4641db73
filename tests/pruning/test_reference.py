"""What the paper's published code answers: 20 masks, six PE counts, two dataflows (facts of the reference)."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.helpers import FIXTURES, nonzeros, placed_mask
from uticket.base.seeds import generator
from uticket.config.pruning import Balance
from uticket.hardware.cycles import layer_cycles
from uticket.mapping.placed import Placed
from uticket.pruning.balance import balance_layer

VECTORS = np.load(FIXTURES / "reference.npz", allow_pickle=False)
STYLES = ("sata", "systolic")


def rows() -> Iterator[dict[str, float]]:
    """The rows of the results, -1 and NaN where the published code fails."""
    columns = [*VECTORS["results_int_columns"].tolist(), *VECTORS["results_util_columns"].tolist()]
    for ints, utilizations in zip(VECTORS["results_int"], VECTORS["results_util"], strict=True):
        yield dict(zip(columns, [*ints.tolist(), *utilizations.tolist()], strict=True))


def mask_of(case: int) -> np.ndarray:
    shape = VECTORS[f"mask_{case:02}_shape"]
    return np.unpackbits(VECTORS[f"mask_{case:02}"], count=shape.prod()).reshape(shape).astype(bool)


def placed(mask: np.ndarray, pes: int, style: str, **array: str) -> Placed:
    """The layer on an array of the published code's style."""
    return placed_mask(mask, pes, dataflow="filters" if style == "sata" else "input-channels", **array)


@pytest.mark.parametrize("style", STYLES)
def test_work_idle_latency_and_utilization_are_those_of_the_published_code(style):
    compared = 0
    for row in rows():
        if STYLES[row["style_id"]] == style and row["check_ok"]:
            cycles = layer_cycles(placed(mask_of(row["case"]), row["n_pe"], style, spare_pes="idle"))
            found = cycles.work_cycles, cycles.idle_cycles, cycles.latency_cycles
            assert found == (row["dynamic"], row["wasted"], row["latency"]), row
            assert cycles.utilization_ceil == pytest.approx(row["avg"], abs=1e-6)
            compared += 1
    assert compared > 90


@pytest.mark.parametrize("style", STYLES)
def test_balanced_counts_are_those_of_the_published_code(style):
    compared = 0
    for row in rows():
        if STYLES[row["style_id"]] == style and row["recover_ok"]:
            case, pes, mask = row["case"], row["n_pe"], mask_of(row["case"])
            balanced = balance_layer(placed(mask, pes, style), Balance(), generator(0, "reference"))
            counts = nonzeros(balanced)
            assert counts == VECTORS[f"nnz_after_{case:02}_{style}_{pes}"].tolist()
            if style == "systolic":
                slices = balanced.reshape(len(mask), pes, -1).sum(axis=2)
                assert slices.tolist() == VECTORS[f"slice_nnz_after_{case:02}_{style}_{pes}"].tolist()
            added, removed = int((balanced & ~mask).sum()), int((mask & ~balanced).sum())
            assert (added, removed, sum(counts)) == (row["added"], row["removed"], row["nnz_after"])
            cycles = layer_cycles(placed(balanced, pes, style, spare_pes="idle"))
            found = cycles.work_cycles, cycles.idle_cycles, cycles.latency_cycles
            assert found == (row["re_dynamic"], row["re_wasted"], row["re_latency"])
            compared += 1
    assert compared > 90


def test_where_the_published_code_fails_there_is_an_answer():
    failing = [row for row in rows() if not (row["check_ok"] and row["recover_ok"])]
    assert len(failing) == 40
    for row in failing:
        mask, style = mask_of(row["case"]), STYLES[row["style_id"]]
        on_array = placed(mask, row["n_pe"], style)
        cycles = layer_cycles(on_array)
        assert cycles.work_cycles == mask.sum()
        assert 0 <= cycles.utilization <= cycles.utilization_ceil <= 1
        balanced = balance_layer(on_array, Balance(), generator(0, "reference"))
        assert balanced.sum() >= mask.sum()
