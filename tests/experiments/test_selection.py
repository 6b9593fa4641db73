import numpy as np
import pandas as pd
import pytest

from experiments.chains import with_chains
from experiments.selection import BEGIN, CHOICES, END, PAGE, RESULTS, markdown, run
from tests.helpers import between
from uticket.config.params import Params
from uticket.data.prepared import ImageSet, Prepared


@pytest.fixture
def tiny(params: Params) -> Params:
    """A narrow network that is trained for an epoch, and chains of two rounds."""
    values = params.model_dump()
    values["model"] |= {"width": 0.125, "timesteps": 1}
    values["train"] |= {"epochs": 1, "batch_size": 8, "device": "cpu"}
    values["tickets"] = {"lth/r01": "dense", "lth/r02": "lth/r01", "uticket/r01": "dense"}
    values["hw"] |= {"pes": 4}
    return Params.model_validate(values)


def test_each_choice_is_a_chain_as_long_as_that_of_lth(tiny):
    params = with_chains(tiny, 7, CHOICES, {"model": {"timesteps": 2}})
    assert (params.seed, params.model.timesteps, params.model.width) == (7, 2, 0.125)
    assert params.lineage.methods == list(params.balance) == list(CHOICES)
    for choice in CHOICES:
        assert params.lineage.chain(choice) == ["dense", f"{choice}/r01", f"{choice}/r02"]


def test_comparison_has_a_row_for_each_choice_and_mapping(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # states of trainings are kept in the current folder
    rng = np.random.default_rng(0)
    images = ImageSet(rng.integers(0, 256, (16, 1, 8, 8), dtype=np.uint8), np.arange(16) % 2)
    prepared = Prepared("made-up", ("a", "b"), images, images)
    shorter = tiny.model_copy(update={"tickets": {"lth/r01": "dense", "uticket/r01": "dense"}})
    table = pd.DataFrame(run(with_chains(shorter, 0, CHOICES, {}), prepared, tmp_path / "tickets"))
    assert list(table["choice"]) == ["lth", "lth, sorted", "lth, paired", *list(CHOICES)[1:]]
    assert list(table.columns) == list(pd.read_csv(RESULTS).columns)
    found = table.set_index("choice")
    balanced = found.loc[[choice for choice in CHOICES if choice != "lth"]]
    assert (balanced["utilization"] > found["utilization"]["lth"]).all()
    assert (balanced["utilization"] == 1).all()
    assert (found["accuracy"]["lth, sorted"], found["sparsity"]["lth, sorted"]) == pytest.approx(
        (found["accuracy"]["lth"], found["sparsity"]["lth"])
    )
    assert found["utilization_8_pes"].isna().tolist() == [False, True, True, False, False, False, False]
    lines = markdown(pd.concat([table, table])).splitlines()
    assert len(lines) == 2 + len(table)
    assert lines[4].startswith("| lth, paired | ")


def test_page_has_the_table_of_the_results():
    assert between(PAGE, BEGIN, END) == markdown(pd.read_csv(RESULTS))
