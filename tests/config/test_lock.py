"""What is said of a damaged dvc.lock; tests/pipeline/test_dvc_run.py does what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT
from uticket.base.errors import InputError
from uticket.config.lock import KEPT, LOCK, check_lock, keep_copy

WHOLE = "schema: '2.0'\nstages:\n  data:\n    cmd: python -m stages.data\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


def test_a_whole_lock_or_none_is_in_order():
    check_lock()
    LOCK.write_text(WHOLE)
    check_lock()


@pytest.mark.parametrize("left", ["", "schema: '2.0'\n", WHOLE[:-9], "stages:\n  data:\n    cmd: [", "\0", "[]"])
def test_a_damaged_one_is_reported_with_what_brings_it_back(left, monkeypatch):
    LOCK.write_text(WHOLE)
    monkeypatch.setenv("DVC_STAGE", "ticket@lth/r01")
    keep_copy()
    LOCK.write_text(left)
    with pytest.raises(InputError, match="cp .uticket/lock/dvc.lock dvc.lock && dvc commit --force ticket@lth/r01"):
        check_lock()
    (KEPT / LOCK).replace(LOCK)
    check_lock()
    assert LOCK.read_text() == WHOLE


def test_the_list_of_used_files_is_checked_too_and_may_be_removed():
    path = Path(".dvc/tmp/rwlock")
    path.parent.mkdir(parents=True)
    for left in ("", '{"write": {"'):
        path.write_text(left)
        with pytest.raises(InputError, match="rwlock: expected .*; if no dvc runs, rm .dvc/tmp/rwlock mends it$"):
            check_lock()
    path.write_text("{}")
    check_lock()


@pytest.mark.parametrize("left", ["", WHOLE[:-9]])
def test_one_that_was_torn_as_dvc_wrote_it_first_is_brought_back_too(left, monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "data")
    keep_copy()
    LOCK.write_text(left)
    with pytest.raises(InputError, match="cp .uticket/lock/dvc.lock dvc.lock && dvc commit --force data"):
        check_lock()
    (KEPT / LOCK).replace(LOCK)
    check_lock()


def test_a_stage_that_cannot_keep_a_copy_ends_with_one_line(tmp_path):
    LOCK.write_text(WHOLE)
    (tmp_path / ".uticket").write_text("no folder")
    environment = os.environ | {"DVC_STAGE": "data", "DVC_ROOT": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "stages.data"], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert (
        done.stderr == f"Error: {tmp_path}/.uticket/lock/dvc.lock: expected a place to write to, got: Not a directory\n"
    )


def test_a_pipe_in_its_place_is_reported_and_not_opened(monkeypatch):
    os.mkfifo(LOCK)
    monkeypatch.setenv("DVC_STAGE", "data")
    keep_copy()
    assert not KEPT.exists()
    with pytest.raises(InputError, match="dvc.lock: expected what dvc wrote, got a pipe, device or socket$"):
        check_lock()


def test_one_that_grows_by_its_aliases_is_not_built():
    """Each line has ten times as many keys as the one before, once they are merged."""
    grown = ["a0: &a0 {k: 1}", *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 30))]
    LOCK.write_text("\n".join([*grown, "stages: {}", ""]))
    with pytest.raises(InputError, match="dvc.lock: expected what dvc wrote, got half of it"):
        check_lock()


def test_without_a_copy_the_committed_one_is_named(monkeypatch):
    monkeypatch.delenv("DVC_STAGE", raising=False)
    LOCK.write_text(WHOLE)
    keep_copy()  # not run by dvc
    assert not KEPT.exists()
    LOCK.write_text("")
    with pytest.raises(InputError, match="got an empty file; git checkout dvc.lock brings back the committed one"):
        check_lock()
