"""Pieces that run within a limit of time: what is kept of each, and where the next call goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.pieces import Piece, Pieces
from tests.helpers import ROOT
from uticket.base.errors import InputError

FIRST_SLEEPS = """
import pathlib, time
mark = pathlib.Path('mark')
if not mark.exists():
    mark.touch()
    time.sleep(60)
print('second call')
"""


def piece(name: str, code: str, minutes: float = 1, **more) -> Piece:
    return Piece(name, ("-S", "-c", code), minutes, **more)


def run(folder: Path, *pieces: Piece, seconds: float = 30, again: bool = False) -> tuple[bool, dict[str, str]]:
    found = Pieces(folder, ROOT)
    if again:
        found.forget_failures()
    finished = found.run(pieces, seconds)
    return finished, {name: outcome.status for name, outcome in found.outcomes.items()}


def test_a_failure_stops_only_what_needs_it_and_leaves_its_tail(tmp_path):
    pieces = (
        piece("fails", "print('before'); raise ValueError('why')"),
        piece("needs it", "pass", needs=("fails",)),
        piece("needs that", "pass", needs=("needs it",)),
        piece("alone", "print('{}')", result="alone.json"),
    )
    finished, found = run(tmp_path, *pieces)
    assert finished
    assert found == {"fails": "failed", "needs it": "skipped", "needs that": "skipped", "alone": "passed"}
    assert (tmp_path / "alone.json").read_text() == "{}\n"
    outcomes = Pieces(tmp_path, ROOT).outcomes
    assert outcomes["fails"].tail.startswith("before\n")
    assert "ValueError: why" in outcomes["fails"].tail
    assert "== " not in outcomes["fails"].tail
    assert "fails: python" in (tmp_path / "log.txt").read_text()


def test_what_has_an_outcome_is_not_run_again_unless_it_failed_and_that_is_asked_for(tmp_path):
    once = piece("once", "import pathlib; pathlib.Path('once').touch(exist_ok=False)")
    mended = piece("mended", "import pathlib; assert pathlib.Path('mended').exists()")
    after = piece("after", "pass", needs=("mended",))
    assert run(tmp_path, once, mended, after)[1] == {"once": "passed", "mended": "failed", "after": "skipped"}
    (tmp_path / "mended").touch()
    assert run(tmp_path, once, mended, after)[1] == {"once": "passed", "mended": "failed", "after": "skipped"}
    assert set(run(tmp_path, once, mended, after, again=True)[1].values()) == {"passed"}


def test_a_piece_that_the_end_of_a_call_stops_runs_again_in_the_next(tmp_path):
    pieces = piece("sleeps first", FIRST_SLEEPS), piece("last", "pass")
    assert run(tmp_path, *pieces, seconds=1.5) == (False, {"sleeps first": "unfinished"})
    assert run(tmp_path, *pieces, seconds=0) == (False, {"sleeps first": "unfinished"})
    assert run(tmp_path, *pieces) == (True, {"sleeps first": "passed", "last": "passed"})
    outcome = Pieces(tmp_path, ROOT).outcomes["sleeps first"]
    assert outcome.calls == 2
    assert 1.5 <= outcome.seconds < 40


def test_a_piece_that_takes_longer_than_its_limit_has_failed(tmp_path):
    pieces = piece("sleeps", "import time; time.sleep(60)", minutes=0.01), piece("last", "pass")
    assert run(tmp_path, *pieces) == (True, {"sleeps": "failed", "last": "passed"})
    assert Pieces(tmp_path, ROOT).outcomes["sleeps"].tail.endswith("longer than 0.01 minutes")


def test_a_killed_call_leaves_what_it_knew_and_nothing_that_runs(tmp_path):
    program = (
        "import pathlib, sys; from experiments.pieces import Piece, Pieces;"
        "Pieces(pathlib.Path(sys.argv[1]), pathlib.Path.cwd()).run([Piece('quick', ('-S', '-c', ''), 1),"
        "Piece('sleeps first', ('-S', '-c', sys.argv[2]), 1)], 60)"
    )
    call = subprocess.Popen([sys.executable, "-c", program, str(tmp_path), FIRST_SLEEPS], cwd=ROOT)
    while not (tmp_path / "mark").exists():
        assert call.poll() is None
        time.sleep(0.05)
    with pytest.raises(InputError, match=r"expected no other call in this folder"):
        Pieces(tmp_path, ROOT)
    os.kill(call.pid, signal.SIGKILL)
    call.wait()
    deadline = time.monotonic() + 20
    while True:
        try:
            found = Pieces(tmp_path, ROOT)
            break
        except InputError:  # the piece is about to end
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert found.outcomes["quick"].status == "passed"
    assert found.run([piece("quick", ""), piece("sleeps first", FIRST_SLEEPS)], 30)
    assert {name: outcome.calls for name, outcome in found.outcomes.items()}["quick"] == 1
    assert (tmp_path / "log.txt").read_text().endswith("second call\n")
