"""What a ticket says about the machine that trained it."""

import json
from pathlib import Path

import torch

from uticket.training.machine import Machine


def test_threads_and_versions_are_those_of_the_process(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        Machine.of(torch.device("cpu")).write(tmp_path / "machine.json")
    finally:
        torch.set_num_threads(threads)
    written = json.loads((tmp_path / "machine.json").read_text())
    assert (written["threads"], written["processes"], written["device"]) == (3, 1, "cpu")
    assert written["pytorch"] == torch.__version__
