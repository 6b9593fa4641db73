"""What uticket does with a hostile file, a wrong place or a closed output: made, run, and noted as a row of a table.

docs/reliability.md has the tables, written by `python -m tests.reliability.page`. A new case is one function marked
@case: it makes its files in the working folder, which is empty.
"""

import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from unittest import mock

import click
from click.testing import CliRunner

from tests.foreign.hostile import CANARY
from tests.helpers import ROOT
from uticket.base.errors import MOST_CHARACTERS, shortened
from uticket.cli.main import main

FREE = 4 * 2**30  # bytes of memory that a case has, on any machine


@dataclass(frozen=True)
class Case:
    """A case. make: makes its files; one that yields makes several kinds in turn, which all must give the same."""

    group: str
    words: str
    command: str
    make: Callable[[], Any]


@dataclass(frozen=True)
class Answer:
    """How a command ended. line: what it printed as an error, or nothing."""

    code: int
    line: str


CASES: list[Case] = []


def case(group: str, words: str, command: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Add a case. command: as in a shell; those with > are run in one."""

    def add(make: Callable[[], Any]) -> Callable[[], Any]:
        CASES.append(Case(group, words, command, make))
        return make

    return add


def answer_of(found: Case) -> Answer:
    """Run a case in an empty folder. Asserts that nothing of a file ran, and that the error is one short line."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        answers = {_run(found.command) for _ in _made(found)}
        ((answer),) = answers
    assert not CANARY, "something of a file ran"
    assert answer.code in (0, 2)
    assert (answer.code == 0) == (not answer.line)
    assert "\n" not in answer.line
    assert len(answer.line) <= MOST_CHARACTERS + len("Error: ")
    return answer


def _made(found: Case) -> Iterator[None]:
    CANARY.clear()
    made = found.make()
    if isinstance(made, Iterator):
        yield from made
    else:
        yield


def _run(command: str) -> Answer:
    if ">" in command:
        text = command.replace("uticket", shlex.join([sys.executable, "-m", "uticket.cli"]), 1)
        there = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(text, shell=True, capture_output=True, text=True, env=there, timeout=60)
        return Answer(done.returncode, done.stderr.removesuffix("\n"))
    program, *words = shlex.split(command)
    with mock.patch("psutil.virtual_memory", return_value=mock.Mock(available=FREE)), warnings.catch_warnings():
        warnings.simplefilter("error")
        result = CliRunner().invoke(main, words) if program == "uticket" else CliRunner().invoke(_stage(words[1]), [])
    lines = [line for line in result.stderr.splitlines() if program == "uticket" or line.startswith("Error: ")]
    return Answer(result.exit_code, "\n".join(lines))  # stages say what they do there too


def _stage(module: str) -> click.Command:
    found: click.Command = import_module(module).main
    return found


def row(found: Case) -> str:
    """The row of a case in the table of its group. Long names are shortened, characters that do not print escaped."""
    answer = answer_of(found)
    return f"| {words(found)} | {answer.code} | {_quoted(answer.line) if answer.line else 'is read'} |"


def words(found: Case) -> str:
    """The first two cells of the row: what there is, and the command."""
    return f"{found.words} | {_quoted(shortened(found.command, 400))}"


def _quoted(text: str) -> str:
    text = re.sub("x{20,}", "x...x", text).replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def groups() -> list[str]:
    """The groups, in the order of their first case."""
    return list(dict.fromkeys(found.group for found in CASES))
