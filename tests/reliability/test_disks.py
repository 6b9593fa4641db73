"""Full and unwritable disks: one line, what was there before is unchanged, and the next run just works."""

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.reliability.small import STAGES, content, run_stage, run_stages, write_project
from uticket.base.progress import log
from uticket.cli.main import main
from uticket.config.tables import FORMATS

MEGABYTES = 32
REASONS = {"full": "No space left on device", "read-only": "Read-only file system", "small files": "File too large"}
MODULE = """
import torch

class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = torch.nn.Conv2d(1, 2, 3), torch.nn.Conv2d(2, 2, 1)

    def forward(self, frames):
        return [self.conv2((self.conv1(frame) > 0).float()) for frame in frames]

build = Network
"""
COMMANDS = {
    "balance": ("balance", "tickets/dense", "new.npz"),
    "balance to PyTorch": ("balance", "tickets/dense", "new.pt"),
    "import": ("import", "tickets/dense"),
    "capture": ("capture", "captured_here:build", "new", "--inputs", "x.npy"),
    "rounds": ("rounds", "2", "--methods", "uticket"),
    "preset": ("preset", "smoke"),
    **{f"export {form}": ("export", "tickets/uticket/r01", "new", "--format", form) for form in FORMATS},
}
RUNS: dict[str, Callable[[], Result]] = {
    **{f"stage {name}": lambda name=name: run_stage(name) for name in STAGES},
    **{name: lambda words=words: command(*words) for name, words in COMMANDS.items()},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A project after all stages."""
    folder, before = tmp_path_factory.mktemp("finished"), Path.cwd()
    write_project(folder)
    (folder / "checkpoints").mkdir()
    (folder / "captured_here.py").write_text(MODULE)
    np.save(folder / "x.npy", np.ones((2, 2, 1, 4, 4), dtype=np.float32))
    os.chdir(folder)
    run_stages()
    os.chdir(before)
    return folder


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path_factory.mktemp("disk")
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", folder], capture_output=True
    ).returncode:
        pytest.skip("this user may not mount a disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Let the log go where it went before."""
    handlers, propagate = list(log.handlers), log.propagate
    yield
    log.handlers, log.propagate = handlers, propagate


def command(*words: str) -> Result:
    if words[0] == "export":
        words = (words[0], words[1], words[2] + FORMATS[words[-1]].endings[0], *words[3:])
    return CliRunner().invoke(main, words)


@contextmanager
def full(disk: Path, left: int) -> Iterator[None]:
    """Fill the disk up to some bytes."""
    ballast = disk / "ballast"
    number = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        with suppress(OSError):
            while True:
                os.write(number, bytes(4096))
        os.truncate(number, max(0, os.fstat(number).st_size - left))
        yield
    finally:
        os.close(number)
        ballast.unlink()


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """Let nothing on the disk be changed."""
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """Let no file grow beyond some bytes; Python itself would leave half of the bytecode that it writes."""
    before, bytecode = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        sys.dont_write_bytecode = bytecode
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def check(name: str, folder: Path, hindered: AbstractContextManager[None], reason: str, monkeypatch) -> None:
    """Run something twice: while it cannot write, and after."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    before = content(folder)
    with hindered:
        result = RUNS[name]()
        after = content(folder)
    errors = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert result.exit_code == 2, (result.output, result.exception)
    assert errors == result.output.splitlines()[-1:]
    assert re.fullmatch(rf"Error: [\w./-]+: expected a place to (write to|keep the state in), got: {reason}", errors[0])
    assert ".part" not in errors[0]
    assert after == before
    result = RUNS[name]()
    assert result.exit_code == 0, result.output
    if name.startswith("stage "):
        assert content(folder) == before  # the same bytes


@pytest.mark.parametrize("name", RUNS)
def test_files_that_may_not_grow(name, finished, tmp_path, monkeypatch):
    folder = copied(finished, tmp_path / "project")
    check(name, folder, small_files(40), REASONS["small files"], monkeypatch)


@pytest.mark.parametrize("name", RUNS)
def test_a_full_disk(name, finished, disk, monkeypatch):
    folder = copied(finished, disk / "project")
    check(name, folder, full(disk, 0), REASONS["full"], monkeypatch)


@pytest.mark.parametrize("name", ["stage dense", "stage map", "stage simulate", "stage report"])
def test_a_disk_with_room_for_some_of_the_files(name, finished, disk, monkeypatch):
    folder = copied(finished, disk / "project")
    check(name, folder, full(disk, 8192), REASONS["full"], monkeypatch)


@pytest.mark.parametrize("name", [*(f"stage {name}" for name in STAGES), "balance", "rounds"])
def test_a_disk_that_may_only_be_read(name, finished, disk, monkeypatch):
    folder = copied(finished, disk / "project")
    check(name, folder, read_only(disk), REASONS["read-only"], monkeypatch)


def copied(finished: Path, folder: Path) -> Path:
    """Return a copy of the finished project."""
    shutil.rmtree(folder, ignore_errors=True)
    return shutil.copytree(finished, folder, symlinks=True)
