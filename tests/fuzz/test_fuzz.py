"""The fuzzer: a few of its cases, and that it sees what is wrong."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from tests.fuzz import run
from tests.fuzz.mutate import ANY, TEXT, damaged
from tests.fuzz.run import Answer, Place, Tally, cases, run_cases, summary
from tests.fuzz.targets import Target, stage, targets
from tests.helpers import ROOT
from uticket.base.errors import InputError
from uticket.report.fuzz import fuzz_markdown


@pytest.fixture(autouse=True)
def back(monkeypatch, tmp_path):
    """Every target changes into its own folder."""
    monkeypatch.chdir(tmp_path)


def test_200_damaged_files_are_read_or_one_line(tmp_path):
    """In a process of its own, since it forks. Seed 1: `make fuzz` has others."""
    command = [sys.executable, "-m", "tests.fuzz.run", "--cases", "200", "--seed", "1", "--out", str(tmp_path / "out")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads((tmp_path / "out").read_text())
    together = found["together"]
    assert together["cases"] == together["refused"] + together["accepted"] >= 200
    assert sorted(found["kinds"]) == sorted(targets())


@pytest.mark.parametrize("name", [name for name in targets() if not name.startswith("foreign")])
def test_whole_files_are_read(tmp_path, name):
    """Else the fuzzer would only test that wrong files are refused for another reason."""
    place = Place(targets()[name], tmp_path / "place")
    assert place.files
    result = place.target.read(place.files[0])
    assert result.exit_code == 0, result.output


def made(folder: Path) -> list[Path]:
    """A file, and another one beside it."""
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("key: 1\n")
    return [folder / "a.txt"]


def wrong_of(read, tmp_path) -> str:
    """What the fuzzer says about a reader."""
    return Place(Target(made, read), tmp_path / "place").run(random.Random(0)).wrong


def fails(message: str):
    def read(path: Path) -> None:
        raise InputError(message)

    return stage(read)


def test_a_right_refusal_and_a_right_answer_are_right(tmp_path):
    answer = Place(Target(made, fails("a.txt: expected b, got c")), tmp_path / "one").run(random.Random(0))
    assert answer.refused
    assert not answer.wrong
    answer = Place(Target(made, stage(lambda path: path)), tmp_path / "two").run(random.Random(0))
    assert (answer.refused, answer.wrong) == (False, "")


def test_what_is_wrong_is_seen(tmp_path):
    def write(path: Path) -> None:
        Path("new").touch()
        raise InputError("a.txt: no")

    def print_first(path: Path) -> None:
        click.echo("a warning", err=True)
        raise InputError("a.txt: no")

    assert "KeyError" in wrong_of(stage(lambda path: {}[path]), tmp_path / "1")
    assert "no name of a.txt" in wrong_of(fails("it: no"), tmp_path / "2")
    assert wrong_of(stage(write), tmp_path / "3").endswith("refused, but wrote new")
    assert "exit code 2" in wrong_of(stage(print_first), tmp_path / "4")
    assert "NaN in JSON" in wrong_of(stage(lambda path: click.echo('{"a": NaN}')), tmp_path / "5")
    assert not (tmp_path / "3" / "place" / "new").exists()


def test_hangs_and_ends_of_the_process_are_seen(tmp_path, monkeypatch):
    def spin(_: Path) -> None:
        while True:
            time.process_time()

    readers = {"spin": stage(spin), "end": stage(lambda _: os._exit(3)), "well": fails("a.txt: no")}
    monkeypatch.setattr(run, "targets", lambda: {name: Target(made, read) for name, read in readers.items()})
    monkeypatch.setattr(run, "SECONDS", 0.3)
    chosen = [("well", 0), ("spin", 0), ("end", 0), ("well", 1)]
    answers = list(run_cases(chosen, 0, tmp_path))
    assert [case for case, _ in answers] == chosen
    assert [answer.wrong for _, answer in answers] == ["", "hang", "the process ended", ""]


def test_the_same_seed_damages_alike_and_all_kinds_of_damage_are_done():
    text, whole = b"a: 1\nb: [2, 3.5]\nname: word\n" * 3, bytes(range(256)) * 2
    for content in (text, whole):
        assert damaged(content, random.Random("x")) == damaged(content, random.Random("x"))
        found = {damaged(content, random.Random(n)) for n in range(50)}
        assert len(found) > 40
    for change in {*ANY, *TEXT}:
        assert any(change(text, random.Random(n)) != text for n in range(5)), change.__name__
    assert damaged(b"", random.Random(0)) is not None


def test_the_table_has_a_row_for_each_kind_and_one_for_files_of_others(tmp_path):
    tallies = {name: Tally() for name in ("a chip", "foreign: npz", "foreign: npy")}
    for tally, answer in zip(
        tallies.values(), (Answer(refused=True), Answer(wrong="hang"), Answer(trace=True, wrong="x")), strict=True
    ):
        tally.add(answer)
    tallies["foreign: npy"].add(Answer(seconds=2.34, megabytes=56.7))
    (tmp_path / "fuzz.json").write_text(json.dumps(summary(tallies, 0)))
    rows = fuzz_markdown(tmp_path / "fuzz.json").splitlines()
    assert (
        rows[0] == "| file | cases | refused | accepted | tracebacks | hangs | other findings | slowest s | most MB |"
    )
    assert rows[2] == "| a chip | 1 | 1 | 0 | 0 | 0 | 0 | 0.0 | 0 |"
    assert rows[3] == "| files of others (docs/files.md) | 3 | 0 | 1 | 1 | 1 | 0 | 2.3 | 57 |"
    assert rows[4] == "| all | 4 | 1 | 1 | 1 | 1 | 0 | 2.3 | 57 |"


def test_every_kind_has_its_share_of_the_cases():
    found = cases(1000)
    assert len(set(found)) == len(found)
    assert {name for name, _ in found} == set(targets())
    assert abs(len(found) - 1000) < 50
