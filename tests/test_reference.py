"""What the paper's published code answers: 20 masks, six PE counts, two dataflows (facts of the reference)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from uticket.base.seeds import generator
from uticket.hardware.cycles import layer_cycles
from uticket.mapping.mapping import Mapping, channel_slices, contiguous, unit_nonzeros
from uticket.prune.balance import balance

VECTORS = np.load(Path(__file__).parent / "data" / "reference.npz", allow_pickle=False)
STYLES = ("sata", "systolic")


def rows() -> Iterator[dict[str, float]]:
    """The rows of the results, -1 and NaN where the published code fails."""
    columns = [*VECTORS["results_int_columns"].tolist(), *VECTORS["results_util_columns"].tolist()]
    for ints, utilizations in zip(VECTORS["results_int"], VECTORS["results_util"], strict=True):
        yield dict(zip(columns, [*ints.tolist(), *utilizations.tolist()], strict=True))


def mask_of(case: int) -> np.ndarray:
    shape = VECTORS[f"mask_{case:02}_shape"]
    return np.unpackbits(VECTORS[f"mask_{case:02}"], count=shape.prod()).reshape(shape).astype(bool)


def mapped(mask: np.ndarray, pes: int, style: str) -> tuple[np.ndarray, Mapping]:
    """Nonzeros of the units, and where they run."""
    if style == "sata":
        return unit_nonzeros(mask), contiguous(unit_nonzeros(mask), pes)
    return unit_nonzeros(mask, "input-channels"), channel_slices(*mask.shape[:2], pes)


@pytest.mark.parametrize("style", STYLES)
def test_work_idle_latency_and_utilization_are_those_of_the_published_code(style):
    compared = 0
    for row in rows():
        if STYLES[row["style_id"]] == style and row["check_ok"]:
            nonzeros, mapping = mapped(mask_of(row["case"]), row["n_pe"], style)
            cycles = layer_cycles(nonzeros, mapping, spare_pes="idle")
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
            _, mapping = mapped(mask, pes, style)
            balanced = balance(mask, mapping, rng=generator(0, "reference"))
            counts = unit_nonzeros(balanced)
            assert counts.tolist() == VECTORS[f"nnz_after_{case:02}_{style}_{pes}"].tolist()
            if style == "systolic":
                slices = balanced.reshape(len(mask), pes, -1).sum(axis=2)
                assert slices.tolist() == VECTORS[f"slice_nnz_after_{case:02}_{style}_{pes}"].tolist()
            added, removed = int((balanced & ~mask).sum()), int((mask & ~balanced).sum())
            assert (added, removed, counts.sum()) == (row["added"], row["removed"], row["nnz_after"])
            nonzeros, mapping = mapped(balanced, pes, style)
            cycles = layer_cycles(nonzeros, mapping, spare_pes="idle")
            found = cycles.work_cycles, cycles.idle_cycles, cycles.latency_cycles
            assert found == (row["re_dynamic"], row["re_wasted"], row["re_latency"])
            compared += 1
    assert compared > 90


def test_where_the_published_code_fails_there_is_an_answer():
    failing = [row for row in rows() if not (row["check_ok"] and row["recover_ok"])]
    assert len(failing) == 40
    for row in failing:
        mask, style = mask_of(row["case"]), STYLES[row["style_id"]]
        nonzeros, mapping = mapped(mask, row["n_pe"], style)
        cycles = layer_cycles(nonzeros, mapping)
        assert cycles.work_cycles == mask.sum()
        assert 0 <= cycles.utilization <= cycles.utilization_ceil <= 1
        _, mapping = mapped(mask, row["n_pe"], style)
        balanced = balance(mask, mapping, rng=generator(0, "reference"))
        assert balanced.sum() >= mask.sum()
