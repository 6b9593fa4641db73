"""Pages of docs/ that are run: each command in order, and what the page shows of its output against what is printed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers import ROOT

FENCE = re.compile(r"(?P<mark><!-- exact -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SAVED = re.compile(r"# (?P<name>[\w./-]+\.(?:py|yaml))\b")  # first line of a block that the reader saves as that file
NUMBER = re.compile(r"[-+(]?\d[\d,.]*(?:e[-+]?\d+)?[%),;:.]*")
RULE = re.compile("-{2,}")
ANY_LINES = "..."


@dataclass(frozen=True)
class Save:
    """A file that the reader saves."""

    line: int
    name: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command, and what is shown of its output. exact: its numbers are the same on every machine."""

    line: int
    command: str
    shown: tuple[str, ...]
    exact: bool


def steps_of(page: str) -> Iterator[Save | Command]:
    """Return what a page has its readers do: blocks `console`, where commands follow `$ `, and files to save."""
    for fence in FENCE.finditer(page):
        line, text = page[: fence.start("text")].count("\n") + 1, fence["text"]
        if fence["kind"] == "console":
            for asked in re.finditer(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
                place = line + text[: asked.start()].count("\n")
                yield Command(place, asked[1], tuple(asked[2].splitlines()), bool(fence["mark"]))
        elif saved := SAVED.match(text):
            yield Save(line, saved["name"], text)


def is_printed(shown: tuple[str, ...], output: str, exact: bool) -> bool:
    """Return whether the lines shown are those of the output; `...` stands for any, and so do numbers if not exact.

    Spaces and empty lines do not count. Nothing shown matches any output.
    """
    pattern = "".join(_pattern(line, exact) for line in shown if line.strip())
    lines = "".join(f"{' '.join(line.split())}\n" for line in output.splitlines() if line.strip())
    return not shown or re.fullmatch(pattern, lines) is not None


def _pattern(line: str, exact: bool) -> str:
    if line == ANY_LINES:
        return r"(?:.*\n)*?"
    likes = () if exact else (NUMBER, RULE)  # the rule below a heading is as wide as the numbers
    words = (next((like.pattern for like in likes if like.fullmatch(word)), re.escape(word)) for word in line.split())
    return " ".join(words) + r"\n"


@dataclass
class Reader:
    """Somebody who does what pages say, in a folder of their own."""

    home: Path
    folder: Path = field(init=False)  # where the last command ended

    def __post_init__(self) -> None:
        self.folder = self.home
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.env = os.environ | {"PATH": programs, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self.env |= {"COLUMNS": "120"}  # of tables, whatever the terminal is
        self.env |= {"DVC_SITE_CACHE_DIR": str(self.home / "site"), "DVC_NO_ANALYTICS": "1"}
        self.env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CEILING_DIRECTORIES": str(self.home), "MPLBACKEND": "agg"}
        people = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
        self.env |= dict.fromkeys(people, "test@example.org")

    def follow(self, page: Path) -> None:
        """Do every step of a page; AssertionError names the first line where something else happens."""
        for step in steps_of(page.read_text(encoding="utf-8")):
            if isinstance(step, Save):
                (self.folder / step.name).write_text(step.text, encoding="utf-8")
                continue
            place, (code, output) = f"{page.name}:{step.line}: {step.command}", self.run(step.command)
            assert code == 0, f"{place}: exit code {code}\n{output}"
            shown = "\n".join(step.shown)
            assert is_printed(step.shown, output, step.exact), f"{place}: shown\n{shown}\nprinted\n{output}"

    def run(self, command: str) -> tuple[int, str]:
        """Run a command where the last one ended; return its exit code and what it wrote to both streams."""
        where = self.home / "where"
        ended = f'{command}\ncode=$?\npwd > "{where}"\nexit $code'
        result = subprocess.run(
            ["bash", "-c", ended],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.folder = Path(where.read_text().strip())
        return result.returncode, result.stdout
