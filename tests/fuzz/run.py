"""Damage files of every kind and read them: `python -m tests.fuzz.run --cases 20000`; `make fuzz` does.

A case is right if the file is read, or refused by one line of at most 400 characters that names it, or a file beside
it, with exit code 2 and without writing anything; within SECONDS and MEGABYTES. Case N of a kind is the same for
the same seed, whoever runs it: `--only "KIND:N"` repeats one. A case that hangs, or takes the process with it, ends
that process only. Prints what was wrong, and writes a summary by kind with `--out FILE`.
"""

import argparse
import json
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from click.testing import Result

from tests.fuzz.mutate import damaged
from tests.fuzz.targets import Target, strict_json, targets
from uticket.base.errors import MOST_CHARACTERS
from uticket.cli.oneline import EXIT_CODE

SECONDS = 30.0  # of computing, in a case or in all that the first ones import
WAITING_S = 600  # for anything else
MEGABYTES = 1000.0
LOG_LINE = r"(?m)^\d\d:\d\d:\d\d  .*\n"  # of a stage, before the one that says what is wrong
Case = tuple[str, int]


@dataclass
class Answer:
    """What one case did. wrong: why it is not right; `trace` if it is a traceback."""

    refused: bool = False
    wrong: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0
    trace: bool = False


@dataclass
class Tally:
    """The cases of one kind."""

    cases: int = 0
    refused: int = 0
    accepted: int = 0
    tracebacks: int = 0
    hangs: int = 0
    other_findings: int = 0
    slowest_s: float = 0.0
    peak_mb: float = 0.0

    def add(self, answer: Answer) -> None:
        """Count a case."""
        self.cases += 1
        self.slowest_s = max(self.slowest_s, round(answer.seconds, 2))
        self.peak_mb = max(self.peak_mb, round(answer.megabytes, 1))
        if answer.wrong == "hang":
            self.hangs += 1
        elif answer.trace:
            self.tracebacks += 1
        elif answer.wrong:
            self.other_findings += 1
        elif answer.refused:
            self.refused += 1
        else:
            self.accepted += 1


@dataclass
class Place:
    """The folder of a target, and its whole files."""

    target: Target
    folder: Path
    files: list[Path] = field(default_factory=list)
    whole: dict[Path, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        os.chdir(self.folder)
        made = self.target.make(self.folder)
        self.whole = {path: path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file()}
        self.files = [path.relative_to(self.folder) for path in made if path in self.whole]

    def run(self, rng: random.Random) -> Answer:
        """Damage a file, read it, and put all files back."""
        os.chdir(self.folder)
        path = rng.choice(self.files)
        others = [self.whole[self.folder / other] for other in self.files]
        content = damaged(self.whole[self.folder / path], rng, others)
        path.write_bytes(content)
        _forget_peak()
        before, started = _memory("VmRSS"), time.process_time()
        result = self.target.read(path)
        answer = Answer(seconds=time.process_time() - started, megabytes=(_memory("VmHWM") - before) / 1024)
        answer.refused = result.exit_code == EXIT_CODE
        answer.trace = result.exception is not None and not isinstance(result.exception, SystemExit)
        answer.wrong = self._wrong(path, content, result)
        if answer.megabytes > MEGABYTES:
            answer.wrong = answer.wrong or f"{answer.megabytes:.0f} MB"
        self._put_back()
        return answer

    def _wrong(self, path: Path, content: bytes, result: Result) -> str:
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            return "".join(traceback.format_exception(result.exception))
        if result.exit_code == 0:
            return _wrong_answer(result.stdout)
        line = re.sub(LOG_LINE, "", result.stderr)
        if result.exit_code != EXIT_CODE or line.count("\n") != 1 or not line.startswith("Error: "):
            return f"exit code {result.exit_code}: {line[:2000]!r}"
        if len(line) > len("Error: ") + MOST_CHARACTERS + 1:
            return f"a line of {len(line)} characters: {line!r}"
        first = line.removeprefix("Error: ").split("/")[0].split(":")[0]  # of a plan it may be what the plan names
        if path.name not in line and not (self.folder / first).exists():
            return f"no name of {path} in {line!r}"
        kept = {**self.whole, self.folder / path: content}
        found = {file: file.read_bytes() for file in self.folder.rglob("*") if file.is_file()}
        changed = sorted(
            str(file.relative_to(self.folder)) for file in {*kept, *found} if kept.get(file) != found.get(file)
        )
        return f"refused, but wrote {', '.join(changed)}" if changed else ""

    def _put_back(self) -> None:
        for file in list(self.folder.rglob("*")):
            if file.is_file() and file not in self.whole:
                file.unlink()
        for file, content in self.whole.items():
            if not file.exists() or file.read_bytes() != content:
                file.write_bytes(content)


def _wrong_answer(text: str) -> str:
    if not text.lstrip().startswith("{"):
        return ""
    try:
        strict_json(text)
    except ValueError as error:
        return f"an answer that is no JSON: {error}: {text[:300]!r}"
    return ""


def _memory(name: str) -> int:
    """Return an entry of the status of this process in KiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


def _forget_peak() -> None:
    with suppress(OSError):  # memory is then the most since the process began
        Path("/proc/self/clear_refs").write_text("5")


def cases(number: int) -> list[Case]:
    """Share a number of cases among the targets; the first of each come first."""
    every = targets()
    whole = sum(target.share for target in every.values())
    counts = {name: max(round(number * target.share / whole), 1) for name, target in every.items()}
    found = [(name, n) for name, count in counts.items() for n in range(count)]
    return sorted(found, key=lambda case: (case[1] // 50, list(every).index(case[0])))


def run_cases(chosen: list[Case], seed: int, folder: Path) -> Iterator[tuple[Case, Answer]]:
    """Run cases one after another, in a process that is begun anew when one of them hangs or ends it."""
    context = multiprocessing.get_context("fork")
    begin = 0
    while begin < len(chosen):
        ours, theirs = context.Pipe()
        place = Path(tempfile.mkdtemp(dir=folder))
        worker = context.Process(target=_work, args=(chosen[begin:], seed, place, theirs), daemon=True)
        worker.start()
        theirs.close()
        for case in chosen[begin:]:
            begin += 1
            answer = _answer(ours, worker.pid or 0)
            yield case, answer
            if answer.wrong == "hang" or answer.wrong.startswith("the process"):
                worker.kill()
                break
        worker.join()


def _answer(ours: Connection, process: int) -> Answer:
    """Wait for the answer of a case, as long as its process neither hangs nor takes all memory."""
    begin = _cpu_seconds(process)
    for _ in range(WAITING_S):
        if ours.poll(1):
            try:
                found: Answer = ours.recv()
            except EOFError:
                return Answer(wrong="the process ended")
            return found
        if _cpu_seconds(process) - begin > SECONDS:
            break
        status = Path(f"/proc/{process}/status")
        used = re.search(r"VmRSS:\s+(\d+) kB", status.read_text()) if status.exists() else None
        if used and int(used[1]) / 1024 > 4 * MEGABYTES:
            return Answer(wrong="the process took too much memory", megabytes=int(used[1]) / 1024)
    return Answer(wrong="hang", seconds=_cpu_seconds(process) - begin)


def _cpu_seconds(process: int) -> float:
    """Return what a process has computed, 0 if it has ended: a busy machine makes no case slower."""
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _work(chosen: list[Case], seed: int, folder: Path, theirs: Connection) -> None:
    every, places = targets(), dict[str, Place]()
    for name, number in chosen:
        if name not in places:
            places[name] = Place(every[name], folder / str(len(places)))
        theirs.send(places[name].run(random.Random(f"{seed}/{name}/{number}")))


def summary(tallies: dict[str, Tally], seed: int) -> dict[str, Any]:
    """Return what the cases did, by kind and in all."""
    together = Tally()
    for tally in tallies.values():
        for name, value in asdict(tally).items():
            both = (getattr(together, name), value)
            setattr(together, name, max(both) if name in ("slowest_s", "peak_mb") else sum(both))
    return {"seed": seed, "together": asdict(together), "kinds": {name: asdict(n) for name, n in tallies.items()}}


def _write(path: Path, found: dict[str, Any]) -> None:
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Run, report, and end with code 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="KIND, or KIND:N")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    out = given.out.resolve() if given.out else None
    chosen = cases(given.cases)
    if given.only:
        kind, _, number = given.only.rpartition(":")
        chosen = [(kind, int(number))] if kind in targets() else [case for case in chosen if case[0] == given.only]
    tallies: dict[str, Tally] = {}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for done, (case, answer) in enumerate(run_cases(chosen, given.seed, Path(folder)), 1):
            tallies.setdefault(case[0], Tally()).add(answer)
            if answer.wrong:
                again = f'python -m tests.fuzz.run --seed {given.seed} --only "{case[0]}:{case[1]}"'
                print(f"{again}\n{answer.wrong}\n", flush=True)
            if out and done % 500 == 0:
                _write(out, summary(tallies, given.seed))
            if done % 1000 == 0:
                print(f"{done} cases, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    found = summary(tallies, given.seed)
    print(json.dumps(found["together"]))
    if out:
        _write(out, found)
    wrong = sum(found["together"][name] for name in ("tracebacks", "hangs", "other_findings"))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
