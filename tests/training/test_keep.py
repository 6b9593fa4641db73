"""Trainings that are killed: what they keep, and that they end with the same bytes."""

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tests.helpers import BRIEF, ROOT, SMALL
from tests.training.helpers import drawn_mask, fresh, job_of
from tests.training.processes import start, wait
from uticket.base.errors import InputError
from uticket.base.progress import log, start_logging
from uticket.config.training import Train
from uticket.training.checkpoint import State, copy_state
from uticket.training.device import choose_device
from uticket.training.keep import Keep
from uticket.training.train import Trained, train

LONG = BRIEF.model_copy(update={"epochs": 6, "batch_size": 4, "save_minutes": 0.0})
SHORT = LONG.model_copy(update={"epochs": 3})


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


def trained_to(folder: Path, out: Path, epochs: int = LONG.epochs) -> None:
    """What the processes of these tests do."""
    start_logging()
    state, trained = training(folder, LONG.model_copy(update={"epochs": epochs}))
    torch.save((state, trained.rewind, [vars(epoch) for epoch in trained.epochs]), out)


def wait_for_state(folder: Path) -> None:
    until = time.monotonic() + 60
    while not list(folder.glob("*/state.safetensors")):
        assert time.monotonic() < until
        time.sleep(0.01)


def same(one: Path, other: Path) -> bool:
    (a, rewind_a, epochs_a), (b, rewind_b, epochs_b) = (torch.load(path, weights_only=True) for path in (one, other))
    states = [(a, b), (rewind_a, rewind_b)]
    return epochs_a == epochs_b and all(torch.equal(x[name], y[name]) for x, y in states for name in x)


def test_run_that_is_killed_three_times_ends_with_the_same_bytes(tmp_path):
    undisturbed = start(trained_to, tmp_path / "one", tmp_path / "one.pt", log=tmp_path / "log")
    assert wait(undisturbed) == 0, (tmp_path / "log").read_text()
    assert not list((tmp_path / "one").glob("*/*"))
    moments, two = random.Random(0), (tmp_path / "two", tmp_path / "two.pt")
    for _ in range(3):
        process = start(trained_to, *two, log=tmp_path / "killed")
        wait_for_state(two[0])
        time.sleep(moments.uniform(0, 0.15))
        process.kill()
        assert wait(process) == -signal.SIGKILL, "it was over before it was killed"
        assert not two[1].exists()
    assert wait(start(trained_to, *two, log=tmp_path / "log")) == 0
    assert "resumes in epoch" in (tmp_path / "log").read_text()
    assert same(tmp_path / "one.pt", two[1])


def test_run_that_is_asked_to_stop_keeps_its_state_and_resumes(tmp_path):
    arguments, log = (tmp_path / "scratch", tmp_path / "out.pt"), tmp_path / "log"
    process = start(trained_to, *arguments, log=log)
    wait_for_state(tmp_path / "scratch")
    process.terminate()
    assert wait(process) == 128 + signal.SIGTERM
    assert "asked to stop; the next run resumes from here" in log.read_text()
    assert wait(start(trained_to, *arguments, log=log)) == 0
    assert "resumes in epoch" in log.read_text()


def test_a_lock_whose_file_was_removed_between_opening_and_locking_is_not_taken(tmp_path, monkeypatch):
    flock, removed = fcntl.flock, []

    def flock_late(file, how):
        if not removed:
            removed.append(file.name)
            shutil.rmtree(Path(file.name).parent)  # by the run that had the lock, at its end
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", flock_late)
    with Keep("test/r01", 1, root=tmp_path) as keep:
        keep.open("key")
        assert removed
        with (
            Keep("test/r01", 1, root=tmp_path) as other,
            pytest.raises(InputError, match="expected to be its only run"),
        ):
            other.open("key")


def test_training_ends_soon_after_dvc_was_killed(tmp_path):
    """A made-up dvc starts the training through a shell, as the real one does, and gets SIGKILL."""
    dvc = tmp_path / "dvc"
    dvc.write_text(f"#!{sys.executable}\nimport subprocess, sys\nsubprocess.run(sys.argv[1], shell=True)\n")
    dvc.chmod(0o755)
    script = tmp_path / "script.py"
    work = f"trained_to(Path({str(tmp_path / 'scratch')!r}), Path({str(tmp_path / 'out.pt')!r}), epochs=100000)"
    begin = "from uticket.base.process import begin\nbegin()\n"
    script.write_text(f"{begin}from pathlib import Path\nfrom tests.training.test_keep import trained_to\n{work}\n")
    command = f"{sys.executable} {script}; true"
    environment = os.environ | {"DVC_ROOT": str(tmp_path), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([dvc, command], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    wait_for_state(tmp_path / "scratch")
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
    expected, trained = training(tmp_path / "other", SHORT)
    stopped_in(tmp_path / "scratch", SHORT, steps, monkeypatch)
    state, again = training(tmp_path / "scratch", SHORT)
    assert all(torch.equal(state[name], expected[name]) for name in expected)
    assert again.epochs == trained.epochs
    assert all(torch.equal(again.rewind[name], trained.rewind[name]) for name in trained.rewind)
    assert not list((tmp_path / "scratch").glob("*/*"))


def test_state_of_other_settings_is_never_used(tmp_path, monkeypatch, caplog):
    stopped_in(tmp_path, SHORT, 5, monkeypatch)
    with caplog.at_level("INFO", logger="uticket"):
        training(tmp_path, SHORT.model_copy(update={"weight_decay": 0.0}))
        assert "resumes" not in caplog.text
        training(tmp_path, SHORT.model_copy(update={"save_minutes": 3.0}))
        assert "resumes in epoch 1, at batch 6" in caplog.text


def test_damaged_state_is_logged_and_training_starts_over(tmp_path, monkeypatch, caplog):
    expected, _ = training(tmp_path / "other", SHORT)
    for damage in (
        lambda whole: whole[: len(whole) // 2],
        lambda whole: b"",
        lambda whole: whole[:8] + b"x" + whole[9:],
        lambda whole: whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:],
    ):
        stopped_in(tmp_path, SHORT, 5, monkeypatch)
        (path,) = tmp_path.glob("*/state.safetensors")
        path.write_bytes(damage(path.read_bytes()))
        with caplog.at_level("WARNING", logger="uticket"):
            state, _ = training(tmp_path, SHORT)
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
