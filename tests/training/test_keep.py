"""Trainings that are killed: what they keep, and that they end with the same bytes."""

import fcntl
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tests.helpers import ROOT
from tests.training.helpers import BRIEF, SMALL, drawn_mask, fresh, job_of
from uticket.base.errors import InputError
from uticket.base.progress import log
from uticket.config.training import Train
from uticket.training.checkpoint import State, copy_state
from uticket.training.device import choose_device
from uticket.training.keep import Keep
from uticket.training.train import Trained, train

SCRIPT = """
import sys
from pathlib import Path
from tests.training.test_keep import LONG, trained_to
from uticket.base.progress import start_logging
start_logging()
settings = LONG.model_copy(update={"epochs": int(sys.argv[3])})
trained_to(Path(sys.argv[1]), settings, Path(sys.argv[2]))
"""
LONG = BRIEF.model_copy(update={"epochs": 6, "batch_size": 4, "save_minutes": 0.0})


@pytest.fixture(autouse=True)
def as_before():
    """Let the log be seen, whoever started it before, and denormal numbers exist again after a training."""
    before, log.propagate = log.propagate, True
    yield
    log.propagate = before
    torch.set_flush_denormal(False)


def training(folder: Path, settings: Train) -> tuple[State, Trained]:
    choose_device("cpu")
    network = fresh(SMALL)
    job = job_of(network, drawn_mask(network), settings, rewind_epoch=2)
    with Keep("test/r01", settings.save_minutes, root=folder) as keep:
        trained = train(job, keep)
    return copy_state(network), trained


def trained_to(folder: Path, settings: Train, out: Path) -> None:
    state, trained = training(folder, settings)
    torch.save((state, trained.rewind, [vars(epoch) for epoch in trained.epochs]), out)


def start(folder: Path, out: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", SCRIPT, str(folder), str(out), "6"]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def wait_for_state(folder: Path, process: subprocess.Popen) -> None:
    while not list(folder.glob("*/state.safetensors")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def same(one: Path, other: Path) -> bool:
    (a, rewind_a, epochs_a), (b, rewind_b, epochs_b) = (torch.load(path, weights_only=True) for path in (one, other))
    states = [(a, b), (rewind_a, rewind_b)]
    return epochs_a == epochs_b and all(torch.equal(x[name], y[name]) for x, y in states for name in x)


def test_run_that_is_killed_three_times_ends_with_the_same_bytes(tmp_path):
    undisturbed = start(tmp_path / "one", tmp_path / "one.pt")
    assert undisturbed.wait() == 0, undisturbed.stderr.read()
    assert not list((tmp_path / "one").glob("*/*"))
    moments = random.Random(0)
    for _ in range(3):
        process = start(tmp_path / "two", tmp_path / "two.pt")
        wait_for_state(tmp_path / "two", process)
        time.sleep(moments.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "two.pt").exists(), "it was over before it was killed"
    last = start(tmp_path / "two", tmp_path / "two.pt")
    assert last.wait() == 0
    assert "resumes in epoch" in last.stderr.read()
    assert same(tmp_path / "one.pt", tmp_path / "two.pt")


def test_run_that_is_asked_to_stop_keeps_its_state_and_resumes(tmp_path):
    process = start(tmp_path / "scratch", tmp_path / "out.pt")
    wait_for_state(tmp_path / "scratch", process)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 128 + signal.SIGTERM
    assert "asked to stop; the next run resumes from here" in process.stderr.read()
    again = start(tmp_path / "scratch", tmp_path / "out.pt")
    assert again.wait() == 0
    assert "resumes in epoch" in again.stderr.read()


def test_training_ends_soon_after_dvc_was_killed(tmp_path):
    """A made-up dvc starts the training through a shell, as the real one does, and gets SIGKILL."""
    dvc = tmp_path / "dvc"
    dvc.write_text(f"#!{sys.executable}\nimport subprocess, sys\nsubprocess.run(sys.argv[1], shell=True)\n")
    dvc.chmod(0o755)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = f"{sys.executable} {script} {tmp_path / 'scratch'} {tmp_path / 'out.pt'} 100000; true"
    environment = os.environ | {"DVC_ROOT": str(tmp_path), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([dvc, command], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    wait_for_state_of(tmp_path / "scratch")
    process.kill()
    process.wait()
    (lock,) = (tmp_path / "scratch").glob("*/lock")
    until = time.monotonic() + 10
    with lock.open() as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                assert time.monotonic() < until, "the training still runs"
                time.sleep(0.1)
    assert (lock.parent / "state.safetensors").exists()


def wait_for_state_of(folder: Path) -> None:
    until = time.monotonic() + 60
    while not list(folder.glob("*/state.safetensors")):
        assert time.monotonic() < until
        time.sleep(0.05)


class KilledError(Exception):
    pass


def stopped_in(folder: Path, settings: Train, steps: int, monkeypatch) -> None:
    """Train until this number of states was kept, and stop there as if killed."""
    save, left = Keep.save, [steps]

    def save_and_stop(self, *state):
        save(self, *state)
        left[0] -= 1
        if not left[0]:
            raise KilledError

    monkeypatch.setattr(Keep, "save", save_and_stop)
    with pytest.raises(KilledError):
        training(folder, settings)
    monkeypatch.undo()


@pytest.mark.parametrize("steps", [1, 5, 6, 13])
def test_state_of_any_step_leads_to_the_same_result(tmp_path, steps, monkeypatch):
    expected, trained = training(tmp_path / "other", LONG)
    stopped_in(tmp_path / "scratch", LONG, steps, monkeypatch)
    state, again = training(tmp_path / "scratch", LONG)
    assert all(torch.equal(state[name], expected[name]) for name in expected)
    assert again.epochs == trained.epochs
    assert all(torch.equal(again.rewind[name], trained.rewind[name]) for name in trained.rewind)
    assert not list((tmp_path / "scratch").glob("*/*"))


def test_state_of_other_settings_is_never_used(tmp_path, monkeypatch, caplog):
    stopped_in(tmp_path, LONG, 5, monkeypatch)
    with caplog.at_level("INFO", logger="uticket"):
        training(tmp_path, LONG.model_copy(update={"weight_decay": 0.0}))
        assert "resumes" not in caplog.text
        training(tmp_path, LONG.model_copy(update={"save_minutes": 3.0}))
        assert "resumes in epoch 1, at batch 6" in caplog.text


def test_damaged_state_is_logged_and_training_starts_over(tmp_path, monkeypatch, caplog):
    expected, _ = training(tmp_path / "other", LONG)
    for damage in (
        lambda whole: whole[: len(whole) // 2],
        lambda whole: b"",
        lambda whole: whole[:8] + b"x" + whole[9:],
        lambda whole: whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:],
    ):
        stopped_in(tmp_path, LONG, 5, monkeypatch)
        (path,) = tmp_path.glob("*/state.safetensors")
        path.write_bytes(damage(path.read_bytes()))
        with caplog.at_level("WARNING", logger="uticket"):
            state, _ = training(tmp_path, LONG)
        assert "expected a whole state in" in caplog.text
        caplog.clear()
        assert all(torch.equal(state[name], expected[name]) for name in expected)


def test_second_run_of_the_same_training_stops_with_one_line(tmp_path):
    with Keep("lth/r01", 0, root=tmp_path) as first:
        first.open("key")
        with (
            Keep("lth/r01", 0, root=tmp_path) as second,
            pytest.raises(InputError, match="lth/r01: expected to be its only run, got another one in"),
        ):
            second.open("key")
        with Keep("lth/r01", 0, root=tmp_path) as other:
            assert other.open("another key") is None


def test_code_that_is_imported_late_damages_no_state(tmp_path, monkeypatch):
    def killed() -> None:
        with Keep("test", 0, root=tmp_path) as keep:
            keep.open("key")
            keep.save({"a": torch.zeros(2)}, {"b": 1})
            raise KilledError

    with pytest.raises(KilledError):
        killed()
    late = ModuleType("uticket.training.late")
    late.__file__ = str(ROOT / "uticket" / "engine" / "lif_gpu.py")
    monkeypatch.setitem(sys.modules, late.__name__, late)
    with Keep("test", 0, root=tmp_path) as keep:
        state = keep.open("key")
    assert state is not None
    assert state[1] == {"b": 1}
