"""Training by two processes on the CPU, as torchrun starts them; this file is also what they run."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.helpers import BRIEF, ROOT
from tests.helpers import SMALL as SMALLER
from tests.training.helpers import drawn_mask, fresh, made_up
from tests.training.processes import start, wait
from uticket.base.errors import InputError
from uticket.config.training import Train
from uticket.networks.network import SpikingNetwork
from uticket.training.checkpoint import copy_state
from uticket.training.device import choose_device
from uticket.training.keep import Keep
from uticket.training.masking import MaskedWeights
from uticket.training.ranks import ALONE, Ranks, joined, use_all_gpus
from uticket.training.train import Job, train

STEPS = 20
IMAGES = 25  # one batch of them is an epoch; two processes get 13 and 12
SMALL = SMALLER.model_copy(update={"width": 0.5, "spike_threshold": 0.5})
SETTINGS = BRIEF.model_copy(update={"epochs": STEPS, "batch_size": IMAGES, "learning_rate": 0.2})
BATCHES = SETTINGS.model_copy(update={"epochs": 3, "batch_size": 8})


def with_fixed_statistics(network: SpikingNetwork) -> SpikingNetwork:
    """Let batch norm use the statistics of one pass: PyTorch synchronizes them over processes on GPUs only."""
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    for layer in norms:
        layer.momentum = 1.0
    network.train()
    network(made_up().normalized(made_up().images))
    for layer in norms:
        layer.eval().train = lambda mode=True: None
    return network


def trained(ranks: Ranks, folder: Path) -> dict[str, object]:
    """Train with fixed statistics; return the network's state and the loss of each step."""
    return train_with(ranks, folder, with_fixed_statistics(fresh(SMALL)), SETTINGS)


def train_with(
    ranks: Ranks, folder: Path, network: SpikingNetwork, settings: Train, stop_at: int | None = None
) -> dict[str, object]:
    """stop_at: the step in which the process that does not write is asked to stop."""
    with Keep("test", 1000.0, ranks, folder) as keep:
        if stop_at is not None and not ranks.first:
            due, left = keep.due, [stop_at]

            def due_and_asked():
                left[0] -= 1
                keep._asked = 15 if left[0] == 0 else keep._asked
                return due()

            keep.due = due_and_asked
        masked = MaskedWeights(network, drawn_mask(network))
        found = train(Job(masked, made_up(IMAGES), made_up(600), settings, 0), keep)
    losses = [epoch.loss for epoch in found.epochs]
    return {"state": copy_state(network), "losses": losses, "accuracy": found.epochs[-1].test_accuracy}


def work(folder: Path, stop_at: int | None = None) -> None:
    """What each of two processes does."""
    torch.set_num_threads(1)
    choose_device("cpu")
    with joined() as ranks:
        found = train_with(ranks, folder / "scratch", fresh(SMALL), BATCHES, stop_at)
        torch.save(found, folder / f"{ranks.rank}.pt")


def main() -> None:
    """What torchrun starts."""
    folder = Path(sys.argv[1])
    choose_device("cpu")
    with joined() as ranks:
        torch.save(trained(ranks, folder / "scratch"), folder / f"fixed{ranks.rank}.pt")
        found = train_with(ranks, folder / "scratch", fresh(SMALL), BATCHES)
        torch.save(found, folder / f"{ranks.rank}.pt")
        results = []
        for make in (lambda: ranks.rank, fail):
            try:
                results.append(ranks.from_first(make))
            except InputError as error:
                results.append(str(error))
        (folder / f"{ranks.rank}.txt").write_text(str(results))


def fail() -> None:
    raise InputError("of the first")


def two_processes(folder: Path, stop_at: int | None = None) -> list[int]:
    """Run `work` in two processes with the environment of torchrun; return their exit statuses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    folder.mkdir(exist_ok=True)
    logs = [folder / f"log{rank}" for rank in range(2)]
    started = [start(work, folder, stop_at, log=log, RANK=str(rank), **shared) for rank, log in enumerate(logs)]
    return [wait(process) for process in started]


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, *launcher, "-m", "tests.training.test_ranks", str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return folder


def test_two_processes_train_as_one(together, tmp_path):
    one = trained(ALONE, tmp_path)
    two = torch.load(together / "fixed0.pt", weights_only=True)
    assert len(two["losses"]) == STEPS
    assert two["losses"] == pytest.approx(one["losses"], abs=1e-4)
    assert one["losses"][-1] < 0.8 * one["losses"][0]
    assert two["accuracy"] == pytest.approx(one["accuracy"], abs=0.02)
    for name, values in one["state"].items():
        torch.testing.assert_close(two["state"][name], values, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("norms", ["fixed", ""])
def test_both_processes_end_with_the_same_bytes(together, norms):
    one, other = (torch.load(together / f"{norms}{rank}.pt", weights_only=True) for rank in (0, 1))
    assert one["losses"] == other["losses"]
    assert one["accuracy"] == other["accuracy"]
    assert all(torch.equal(one["state"][name], other["state"][name]) for name in one["state"])


def test_what_the_first_process_finds_is_known_to_both(together):
    assert {(together / f"{rank}.txt").read_text() for rank in (0, 1)} == {"[0, 'of the first']"}


def test_processes_that_are_asked_to_stop_keep_one_state_and_resume(tmp_path):
    one, two = tmp_path / "undisturbed", tmp_path / "stopped"
    assert two_processes(one) == [0, 0], (one / "log0").read_text()
    stopped = two_processes(two, stop_at=5)  # in the second of three epochs, after the second of its three batches
    assert stopped == [128 + signal.SIGTERM] * 2
    assert len(list(two.glob("scratch/*/state.safetensors"))) == 1
    assert two_processes(two) == [0, 0], (two / "log0").read_text()
    for rank in (0, 1):
        ours, expected = (torch.load(folder / f"{rank}.pt", weights_only=True) for folder in (two, one))
        assert ours["losses"] == expected["losses"]
        assert all(torch.equal(ours["state"][name], expected["state"][name]) for name in expected["state"])


def test_batch_must_be_large_enough_for_the_processes(tmp_path):
    network = fresh(SMALL)
    with pytest.raises(InputError, match="at least 2 images in a batch for each of 13 processes, got 25"):
        train_with(Ranks(0, 13), tmp_path, network, SETTINGS)


def test_parts_of_a_batch_make_it_up():
    batch = torch.arange(10)
    parts = [Ranks(rank, 4).share(batch) for rank in range(4)]
    assert torch.equal(torch.cat(parts), batch)
    assert {len(part) for part in parts} == {2, 3}
    assert ALONE.share(batch) is not None
    assert torch.equal(ALONE.share(batch), batch)


@pytest.mark.parametrize(
    ("gpus", "device", "rank", "program", "starts"),
    [
        (2, "auto", None, "stages.round", True),
        (2, "cuda", None, "stages.dense", True),
        (1, "auto", None, "stages.round", False),
        (2, "cpu", None, "stages.round", False),
        (2, "auto", "0", "stages.round", False),
        (2, "auto", None, "experiments.selection", False),
    ],
)
def test_a_stage_starts_itself_once_for_each_gpu(monkeypatch, gpus, device, rank, program, starts):
    started = []
    monkeypatch.setattr("os.execv", lambda path, words: started.append(words))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", type("Spec", (), {"name": program}))
    monkeypatch.setattr(sys, "argv", ["x", "lth/r01"])
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    use_all_gpus(device)
    assert bool(started) == starts
    if starts:
        assert started[0][-5:] == ["--nproc-per-node", "2", "-m", program, "lth/r01"]


if __name__ == "__main__":
    main()
