import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from tests.cli.helpers import fails, printed
from tests.helpers import BRIEF, PARAMS, ROOT, SMALL
from tests.training.helpers import drawn_mask, fresh, job_of, made_up
from uticket.base.errors import InputError
from uticket.config.params import Params, read_params
from uticket.config.rounds import apply_presets
from uticket.pipeline import estimate
from uticket.pipeline.prepare import prepare_images


@pytest.fixture
def smoke(tmp_path, monkeypatch) -> Params:
    """A folder with the params of the preset smoke, on the CPU, as the working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(PARAMS, "params.yaml")
    apply_presets(Path("params.yaml"), [ROOT / "presets" / "smoke.yaml"])
    replace("device: auto", "device: cpu ")
    return read_params()


def replace(old: str, new: str) -> None:
    text = Path("params.yaml").read_text()
    assert text.count(old) == 1
    Path("params.yaml").write_text(text.replace(old, new))


def test_every_stage_that_trains_or_tests_gets_its_time(smoke, monkeypatch):
    prepare_images(smoke)
    steps = {0: 3.0, 1: 2.0, 2: 1.0}
    densities = []

    def fake_steps(job, count):
        densities.append(round(job.masked.mask.density, 2))
        return steps[len(densities) - 1]

    monkeypatch.setattr(estimate, "seconds_per_step", fake_steps)
    monkeypatch.setattr(estimate, "seconds_per_test", lambda network, test: 0.5)
    monkeypatch.setattr(estimate, "seconds_to_start", lambda: 7.0)
    seconds = estimate.estimate_stages(smoke, 1)
    assert densities == [1.0, 0.2, 0.04]
    batches = 1437 // 64
    expected = {
        number: 7 + 2 * (batches * step + 0.5) + 2 * 0.5 for number, step in steps.items()
    }  # two epochs, each with a test, then the activity
    assert seconds["dense"] == pytest.approx(expected[0])
    assert seconds["ticket@lth/r01"] == seconds["ticket@uticket/r01"] == pytest.approx(expected[1])
    assert seconds["ticket@lth/r02"] == pytest.approx(expected[2])
    shorter = smoke.model_copy(update={"prune": smoke.prune.model_copy(update={"epochs": 1})})
    densities.clear()
    brief = estimate.estimate_stages(shorter, 1)
    assert brief["dense"] == seconds["dense"]
    assert brief["ticket@lth/r01"] == pytest.approx(expected[1] - batches * steps[1] - 0.5)
    assert seconds["quantize@lth"] == pytest.approx(7 + 3 * 1 * 2 * 0.5)  # three tickets, one width, two quantizers
    assert set(seconds) == {"dense", "quantize@lth", "quantize@uticket"} | {
        f"ticket@{method}/{ticket}" for method in ("lth", "uticket") for ticket in ("r01", "r02")
    }


def test_steps_of_the_rounds_between_are_interpolated(smoke, monkeypatch):
    """Ten rounds, of which four and dense are measured: a step takes 100 s less in each round."""
    prepare_images(smoke)
    printed("rounds", 10)
    params, measured = read_params(), []

    def fake_steps(job, count):
        measured.append(round(np.log(job.masked.mask.density) / np.log(1 - params.prune.fraction)))
        return 1000.0 - 100 * measured[-1]

    monkeypatch.setattr(estimate, "seconds_per_step", fake_steps)
    monkeypatch.setattr(estimate, "drawn", lambda network, density: FakeMask(density))
    monkeypatch.setattr(estimate, "MaskedWeights", FakeMasked)
    monkeypatch.setattr(estimate, "seconds_per_test", lambda network, test: 0.0)
    monkeypatch.setattr(estimate, "seconds_to_start", lambda: 0.0)
    seconds = estimate.estimate_stages(params, 1)
    assert measured == [0, 1, 4, 7, 10]
    per_step = params.train.epochs * (1437 // 64)
    for number in range(1, 11):
        assert seconds[f"ticket@lth/r{number:02d}"] == pytest.approx(per_step * (1000 - 100 * number))


class FakeMask:
    def __init__(self, density: float) -> None:
        self.density = density


class FakeMasked:
    def __init__(self, network: object, mask: FakeMask) -> None:
        self.network, self.mask = network, mask


def test_steps_are_measured():
    network = fresh(SMALL)
    job = job_of(network, drawn_mask(network), BRIEF)
    started = time.perf_counter()
    seconds = estimate.seconds_per_step(job, 5)
    assert 0 < 5 * seconds < time.perf_counter() - started
    assert estimate.seconds_per_test(network, made_up()) > 0


def test_drawn_masks_keep_the_share_that_is_asked_for():
    network = fresh(SMALL)
    assert estimate.drawn(network, 1.0).density == 1
    assert estimate.drawn(network, 0.25).density == pytest.approx(0.25, abs=0.02)


def test_images_of_a_folder_are_known_by_its_name(smoke):
    prepare_images(smoke)
    folder = smoke.data.model_copy(update={"name": "folder", "path": "data/digits"})
    assert estimate.load_images(smoke.model_copy(update={"data": folder})).name == "digits"
    other = folder.model_copy(update={"path": "data/cats"})
    with pytest.raises(InputError, match="data/prepared: expected the images 'cats', got 'digits'; run the stage data"):
        estimate.load_images(smoke.model_copy(update={"data": other}))


def test_command_prints_a_row_for_each_stage_and_wants_prepared_images(smoke):
    absent = fails("estimate")
    assert "data/prepared/about.json: expected prepared images, got no file; run the stage data" in absent
    prepare_images(smoke)
    text = printed("estimate", "--steps", "1")
    assert "ticket@lth/r02" in text
    assert "together" in text
    replace("name: digits", "name: svhn  ")
    assert "expected the images 'svhn', got 'digits'; run the stage data" in fails("estimate")
    assert {path.name for path in Path().iterdir()} == {"params.yaml", "data"}
