import json
import platform
import time

import pytest
import torch

from uticket.training.cost import Stopwatch, TrainingCost
from uticket.training.ranks import ALONE, Ranks

CPU = torch.device("cpu")


def test_cost_of_two_epochs_by_hand():
    cost = TrainingCost.of([2.0, 3.0], 500, CPU, ALONE)
    assert cost.seconds == 5.0
    assert cost.seconds_per_epoch == 2.5
    assert cost.images_per_second == 200.0  # 1,000 images in 5 s
    assert cost.processes == 1
    assert cost.device == f"cpu ({platform.machine()})"


def test_images_are_those_of_all_processes():
    assert TrainingCost.of([2.0], 500, CPU, Ranks(1, 4)) == TrainingCost.of([2.0], 500, CPU, Ranks(0, 4))
    assert TrainingCost.of([2.0], 500, CPU, Ranks(1, 4)).images_per_second == 250.0
    assert TrainingCost.of([2.0], 500, CPU, Ranks(1, 4)).processes == 4


def test_peak_memory_is_in_gigabytes():
    """PyTorch alone takes more than 50 MB, and no machine of the tests has a terabyte."""
    assert 0.05 < TrainingCost.of([1.0], 1, CPU, ALONE).peak_memory_gb < 1000


def test_memory_and_name_of_a_gpu_are_those_of_the_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"name of {device}")
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 2_500_000_000)
    cost = TrainingCost.of([1.0], 1, torch.device("cuda", 1), ALONE)
    assert (cost.device, cost.peak_memory_gb) == ("name of cuda:1", 2.5)


def test_file_has_its_published_keys(tmp_path):
    TrainingCost("cpu", 1, 100.0, 1.5, 3.0, 0.2).write(tmp_path / "cost.json")
    written = json.loads((tmp_path / "cost.json").read_text())
    expected = {"device": "cpu", "processes": 1, "images_per_second": 100.0, "seconds_per_epoch": 1.5}
    assert written == {**expected, "seconds": 3.0, "peak_memory_gb": 0.2}


def test_epoch_that_was_resumed_counts_its_earlier_seconds(monkeypatch):
    now = [10.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    watch = Stopwatch()
    watch.start(before=3.0)
    now[0] = 12.0
    assert watch.elapsed() == pytest.approx(5.0)
    watch.stop()
    watch.start()
    now[0] = 13.0
    watch.stop()
    assert watch.seconds == pytest.approx([5.0, 1.0])
