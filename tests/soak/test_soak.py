"""What a soak sees: programs that do what must not happen are killed, and reported."""

import os
import random
import signal
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tests.soak import cycle, victim
from tests.soak.cycle import Cycle, is_torn
from tests.soak.job import Job
from tests.soak.log import append, is_wrong, records, summary
from tests.soak.project import files_of

PROGRAM = """
import os, signal, subprocess, sys, time
from pathlib import Path
from uticket.base.process import begin, command_runs
begin()
command_runs()
from uticket.base.files import write_text, written_together
def pause():  # until it is killed; the run that resumes does not wait
    count = len(list(Path(os.environ["TMPDIR"]).glob("ready*")))
    Path(os.environ["TMPDIR"], f"ready{count}").touch()
    if count < int(os.environ["KILLS"]):
        time.sleep(60)
def write():
    with written_together(Path("out")) as part:
        write_text(part / "one.txt", "1" * 100)
        PAUSE
        write_text(part / "two.txt", "2" * 100)
"""
GOOD = PROGRAM.replace("PAUSE", "pause()") + "write()\n"
PLAIN = PROGRAM.replace("PAUSE", "pass")
BAD = {
    "in place": (
        "differing",
        "Path('out').mkdir(exist_ok=True); Path('out/one.txt').write_text('1'); pause(); write()",
    ),
    "other bytes": ("differing", "pause(); write(); Path('out/two.txt').write_text('3')"),
    "lost": ("missing", "pause(); write(); Path('out/two.txt').unlink()"),
    "left": ("left_over", "Path('x.part').touch(); pause(); write()"),
    "traceback": ("tracebacks", "signal.signal(15, signal.default_int_handler); pause(); write()"),
    "hang": ("hang", "signal.signal(15, signal.SIG_IGN); pause(); write()"),
    "orphan": ("orphans", "signal.signal(15, signal.SIG_DFL); subprocess.Popen(['sleep', '60']); pause(); write()"),
    "failure": ("code", "pause(); write(); sys.exit(1)"),
}


@pytest.fixture(autouse=True)
def soon(monkeypatch) -> None:
    """Kill while the program pauses, by SIGTERM; wait for what hangs and for orphans a moment only."""
    monkeypatch.setattr(cycle, "EARLY", 0.0)
    monkeypatch.setattr(cycle, "AIMED", 1.0)
    monkeypatch.setattr(cycle, "SIGNALS", (signal.SIGTERM,))
    monkeypatch.setattr(cycle, "MOST_KILLS", {"stage": 1, "dvc": 1})
    monkeypatch.setattr(victim, "ORPHANS_END_S", 0.5)


def run(tmp_path: Path, program: str, kind: str = "stage", kills: int = 1) -> list[dict]:
    """Kill a program that should write out/one.txt and out/two.txt, and let it end; return the records."""
    folder, temporary = tmp_path / "disturbed", tmp_path / "tmp"
    temporary.mkdir()
    for name in ("undisturbed", "disturbed"):
        (tmp_path / name / "out").mkdir(parents=True)
        (tmp_path / name / "program.py").write_text(program)
    for name, digit in (("one", "1"), ("two", "2")):
        (tmp_path / "undisturbed" / "out" / f"{name}.txt").write_text(digit * 100)
    env = os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "KILLS": str(kills)}
    env["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{env['PATH']}"
    command = (sys.executable, "program.py")

    def appears(_: Path):
        before = len(list(temporary.glob("ready*")))
        return lambda: len(list(temporary.glob("ready*"))) > before

    job = Job(kind, "made up", command, command, files_of(tmp_path / "undisturbed"), lambda *_: None, appears)
    return list(Cycle(job, folder, env, random.Random(0), took=6.0).run())


def test_a_program_that_writes_all_or_nothing_is_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(cycle, "MOST_KILLS", {"stage": 2})
    monkeypatch.setattr(cycle, "SIGNALS", (signal.SIGKILL,))  # a folder of parts is left, and removed by the next
    found = run(tmp_path, GOOD, kills=2)
    assert not any(map(is_wrong, found)), found
    assert [record.get("code") for record in found] == [-9, -9, 0]
    counts = summary(found, seed=0)
    assert (counts["kills"], counts["runs_compared"], counts["wrong"]) == (2, 1, 0)
    assert counts["by_signal"] == {"SIGKILL": 2}
    assert (tmp_path / "disturbed" / "out" / "two.txt").read_text() == "2" * 100


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signals_that_a_soak_in_the_background_ignores_still_reach_what_it_kills(tmp_path, monkeypatch, number):
    monkeypatch.setattr(cycle, "SIGNALS", (number,))
    before = signal.signal(number, signal.SIG_IGN)
    try:
        found = run(tmp_path, GOOD)
    finally:
        signal.signal(number, before)
    assert [record["code"] for record in found] == [128 + number, 0], found


@pytest.mark.parametrize(("seen", "body"), BAD.values(), ids=BAD)
def test_what_must_not_happen_is_seen(tmp_path, monkeypatch, seen, body):
    if seen == "hang":
        monkeypatch.setattr(victim, "LIMIT_S", 1.0)
    found = run(tmp_path, PLAIN + body + "\n")
    assert found[0]["killed"]
    assert any(map(is_wrong, found))
    assert any(record.get(seen) for record in found), found
    others = {"missing", "left_over", "tracebacks", "hang", "orphans"} - {seen}
    assert not any(record.get(name) for record in found for name in others), found


def test_a_torn_lock_is_brought_back_by_the_commands_that_check_names(tmp_path):
    """A made-up dvc does nothing: the copy of the lock is whole."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dvc").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "dvc").chmod(0o755)
    lock = "Path('dvc.lock').write_text('schema: 2\\nstages:\\n  data:\\n    cmd: pyt')"
    kept = (
        "write_text(Path('.uticket/lock/dvc.lock'), 'stages: {}\\n'); write_text(Path('.uticket/lock/stage'), 'data')"
    )
    found = run(tmp_path, f"{PLAIN}{lock}; {kept}; pause(); write(); Path('dvc.lock').unlink()\n", "dvc")
    assert (found[0]["torn_lock"], found[0]["mended_lock"]) == (True, True), found
    assert not any(map(is_wrong, found)), found


@pytest.mark.parametrize(
    ("text", "torn"),
    [("", True), ("stages:\n  data: {}\n", False), ("stages:\n  data: {}\n  x", True), ("stages:\n  a: [\n", True)],
)
def test_torn_locks_are_known(tmp_path, text, torn):
    assert not is_torn(tmp_path / "dvc.lock")
    (tmp_path / "dvc.lock").write_text(text)
    assert is_torn(tmp_path / "dvc.lock") == torn


def test_a_log_of_a_soak_that_was_killed_is_read_up_to_its_last_whole_line(tmp_path):
    log = tmp_path / "log.jsonl"
    assert records(log) == []
    for number in range(2):
        append(log, {"cycle": number})
    log.write_text(log.read_text() + '{"cycle": 2, "ki')
    assert records(log) == [{"cycle": 0}, {"cycle": 1}]
    append(log, {"cycle": 3})
    assert records(log)[-1] == {"cycle": 3}
