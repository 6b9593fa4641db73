import pandas as pd
import pytest

from tests.helpers import FIXTURES
from uticket.hardware.energy import pe_energy

PUBLISHED = pd.read_csv(FIXTURES / "paper_tables.csv")  # Tables I and II, Fig. 7a of the paper


def test_energy_of_a_few_cycles_by_hand():
    assert pe_energy(100, 40, operations=25, leakage_ratio=0.5) == 100 * (0.25 + 0.5) + 40 * 0.5


@pytest.mark.parametrize(("model", "dataset"), PUBLISHED.groupby(["model", "dataset"]).groups)
def test_energy_reductions_of_the_paper_come_out(model, dataset):
    rows = PUBLISHED[(PUBLISHED["model"] == model) & (PUBLISHED["dataset"] == dataset)].set_index("method")
    energy = {
        method: pe_energy(row["work_1e8"], row["idle_1e8"], row["work_1e8"] * (1 - row["spike_sparsity_pct"] / 100))
        for method, row in rows.iterrows()
    }
    reduction_pct = 100 * (1 - energy["uticket"] / energy["lth"])
    assert reduction_pct == pytest.approx(rows["energy_reduction_pct"]["uticket"], abs=0.5)
