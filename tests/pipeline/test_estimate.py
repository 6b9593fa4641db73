import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from uticket.networks.models import build

from stages import data
from tests.conftest import ROOT
from tests.test_train import made_up
from uticket.cli import main
from uticket.config.params import read_params
from uticket.pipeline import estimate


@pytest.fixture
def smoke(tmp_path, monkeypatch):
    text = (ROOT / "presets" / "smoke.yaml").read_text().replace("uticket/hardware", str(ROOT / "uticket/hardware"))
    (tmp_path / "params.yaml").write_text(text.replace("device: auto", "device: cpu"))
    monkeypatch.chdir(tmp_path)
    return read_params()


def test_every_stage_that_trains_or_tests_gets_its_time(smoke, monkeypatch):
    data.main.callback()
    steps = {0: 3.0, 1: 2.0, 2: 1.0}
    densities = []

    def fake_steps(network, mask, images, settings, count):
        densities.append(round(mask.num_kept / mask.num_weights, 2))
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
    assert seconds["lth@r01"] == seconds["uticket@r01"] == pytest.approx(expected[1])
    assert seconds["lth@r02"] == pytest.approx(expected[2])
    assert seconds["quantize@lth"] == pytest.approx(7 + 3 * 1 * 2 * 0.5)  # three tickets, one width, two quantizers
    assert set(seconds) == {"dense", "quantize@lth", "quantize@uticket", "quantize@constant"} | {
        f"{method}@{ticket}" for method in ("lth", "uticket") for ticket in ("r01", "r02")
    }


def test_steps_are_measured(small, brief):
    network = build(small, (1, 8, 8), 2, seed=0)
    mask = estimate.drawn(network, 0.5)
    started = time.perf_counter()
    seconds = estimate.seconds_per_step(network, mask, made_up(), brief, 5)
    assert 0 < 5 * seconds < time.perf_counter() - started
    assert estimate.seconds_per_test(network, made_up()) > 0


def test_command_prints_a_row_for_each_stage_and_wants_prepared_images(smoke):
    runner = CliRunner()
    absent = runner.invoke(main, ["estimate"])
    assert absent.exit_code == 2
    assert "data/prepared/about.json: expected prepared images, came no file; run the stage data" in absent.output
    data.main.callback()
    told = runner.invoke(main, ["estimate", "--steps", "1"])
    assert told.exit_code == 0, told.output
    assert "lth@r02" in told.output
    assert "together" in told.output
    other = Path("params.yaml").read_text().replace("name: digits", "name: svhn  ")
    Path("params.yaml").write_text(other)
    assert "expected the images 'svhn', came 'digits'; run the stage data" in runner.invoke(main, ["estimate"]).output
    assert {path.name for path in Path().iterdir()} == {"params.yaml", "data"}
