"""`uticket capture`."""

import sys

import numpy as np
import pytest
import torch
from torch.nn.utils import prune

from tests.cli.helpers import fails, printed, run

MODULE = """
import torch
from torch import nn

class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, bias=False)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.fc = nn.Linear(4, 3)
        self.register_buffer("membrane", torch.zeros(7))

    def forward(self, frames):
        spikes = (self.conv1(frame) > 0 for frame in frames)
        return [self.fc((self.conv2(x.float()) > 0).float().mean((2, 3))) for x in spikes]

def build():
    torch.manual_seed(0)
    return Network()

network = build()
first = nn.Sequential(network.conv1)
number = 3

def broken():
    raise RuntimeError("two\\nlines")
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working folder with a module of its own and inputs."""
    name = f"module_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    np.save("x.npy", np.random.default_rng(0).random((4, 2, 2, 8, 8)) < 0.5)
    return name


def test_a_captured_network_is_simulated(project, tmp_path):
    found = run("capture", f"{project}:build", "out", "--inputs", "x.npy")
    assert found["timesteps"] == 4
    assert [layer["reads"] for layer in found["layers"]] == ["spikes", "spikes", "counts"]
    assert found["left_out"]["layers"] == [{"name": "fc", "why": "linear", "weights": 12}]
    simulated = run("simulate", "out", "--pes", "4")
    assert simulated["network"]["latency_cycles"] > 0
    assert simulated["neurobench"]["footprint_bytes"] == 4 * (72 + 144 + 12 + 3 + 7)
    audited = run("audit", "out", "--pes", "4")["neurobench"]
    for name in ("footprint_bytes", "connection_sparsity", "dense_operations"):
        assert audited[name] == simulated["neurobench"][name]
    left = {path.name for path in tmp_path.iterdir()} - {"__pycache__"}
    assert left == {f"{project}.py", "out", "x.npy"}
    text = printed("capture", f"{project}:network", "other", "--inputs", "x.npy")
    assert "timesteps: 4, layers were called 4 times" in text
    assert (tmp_path / "other" / "activity.npz").read_bytes() == (tmp_path / "out" / "activity.npz").read_bytes()


def test_guesses_are_said_again_by_what_rests_on_them(project):
    np.save("rows.npy", np.random.default_rng(0).random((6, 2, 8, 8)) < 0.5)
    text = printed("capture", f"{project}:first", "out", "--inputs", "rows.npy")
    assert "guess: that rows are images, not timesteps" in text
    note = "captured with the guess that rows are images, not timesteps"
    assert f"note: {note}" in printed("simulate", "out")
    assert f"note: {note}" in printed("audit", "out")
    assert run("simulate", "out")["notes"] == run("audit", "out")["notes"] == [note]
    printed("capture", f"{project}:first", "sure", "--inputs", "rows.npy", "--timesteps", "3", "--time-first")
    assert run("simulate", "sure")["notes"] == []


def test_weights_come_from_a_checkpoint(project):
    printed("capture", f"{project}:build", "plain", "--inputs", "x.npy")
    network = __import__(project).build()
    prune.random_unstructured(network.conv2, "weight", 0.5)
    network.membrane = torch.ones(9)  # of another batch
    torch.save(network.state_dict(), "w.pt")
    printed("capture", f"{project}:build", "pruned", "--inputs", "x.npy", "--weights", "w.pt")
    audited = run("audit", "pruned")
    assert audited["layers"][1]["nonzeros"] == 72
    torch.save({"conv1.weight": torch.zeros(4, 2, 3, 3)}, "few.pt")
    line = fails("capture", f"{project}:build", "out", "--inputs", "x.npy", "--weights", "few.pt")
    assert "few.pt: expected an array for each parameter, got none for 'conv2.weight'" in line
    torch.save({**network.state_dict(), "conv1.weight": torch.zeros(4, 2, 1, 1)}, "other.pt")
    line = fails("capture", f"{project}:build", "out", "--inputs", "x.npy", "--weights", "other.pt")
    assert "other.pt: expected 'conv1.weight' of shape (4, 2, 3, 3), got (4, 2, 1, 1)" in line


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("absent_module:build", "expected a module absent_module, got ModuleNotFoundError: No module named"),
        ("{}:absent", "expected a function 'absent' in {}, got nothing of this name"),
        ("{}:broken", "expected {}:broken to return a torch module, got RuntimeError in line 26: two lines"),
        ("{}:number", "expected a function 'number' in {}, got int"),
        ("{}", "MODULE:FUNCTION: expected a module and a function, got no function"),
        (":build", "expected a module and a function, got no module"),
        ("builtins:list", "MODULE:FUNCTION: expected builtins:list to return a torch module, got list"),
    ],
)
def test_what_is_no_network_is_reported(project, tmp_path, target, line):
    assert line.format(project) in fails("capture", target.format(project), "out", "--inputs", "x.npy")
    assert not (tmp_path / "out").exists()


def test_inputs_that_do_not_fit_are_reported_and_nothing_is_written(project, tmp_path):
    target = f"{project}:build"
    assert "absent.npy: expected an .npy array" in fails("capture", target, "out", "--inputs", "absent.npy")
    np.save("text.npy", np.array(["x"]))
    assert "text.npy: expected an .npy array of numbers" in fails("capture", target, "out", "--inputs", "text.npy")
    np.save("nan.npy", np.full((1, 2, 8, 8), np.nan))
    assert "nan.npy: expected finite numbers" in fails("capture", target, "out", "--inputs", "nan.npy")
    np.save("few.npy", np.ones((4, 2, 3, 8, 8)))
    assert "expected a network that takes few.npy, got: " in fails("capture", target, "out", "--inputs", "few.npy")
    line = fails("capture", target, "out", "--inputs", "x.npy", "--timesteps", "3")
    assert "timesteps: expected 3 timesteps in the calls" in line
    (tmp_path / "there").mkdir()
    assert "there: expected no such folder, got one" in fails("capture", target, "there", "--inputs", "x.npy")
    assert not (tmp_path / "out").exists()
