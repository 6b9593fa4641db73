"""One cycle: a job is killed a few times, then runs to its end, and all bytes are compared."""

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tests.soak.job import Job
from tests.soak.project import DVC_LOCK, Files, files_of
from tests.soak.victim import SIGNALS, Victim

MOST_KILLS = {"dvc": 40, "stage": 4, "command": 4}  # of a cycle
AIMED, EARLY = 0.3, 0.15  # shares of kills: while files are put in place; in the first moments
FIRST_MOMENTS_S = 0.4
BETWEEN_KILLS_S = 25.0  # of dvc, at most: it starts up, and a stage or two run
WHOLE_RUN_S = 20 * 60.0
USED = Path(".dvc") / "tmp" / "rwlock"
TRACEBACK = "Traceback (most recent call last)"
REMEDY = re.compile(r"Error: .*; (?:if no dvc runs, )?((?:cp|rm) .*) (?:brings it back|mends it)")
OURS = re.compile(r'File ".*/(uticket|stages)/\S+\.py"')

Record = dict[str, Any]


@dataclass
class Cycle:
    """A job in a folder, with what is random about it. took: seconds of its last run to the end."""

    job: Job
    folder: Path
    env: dict[str, str]
    rng: random.Random
    took: float

    def run(self) -> Iterator[Record]:
        """Kill the job a few times, then let it end; yield a record of each, with all that is wrong."""
        self.job.prepare(self.folder, self.rng)
        before = files_of(self.folder)
        for _ in range(self.rng.randint(1, MOST_KILLS[self.job.kind])):
            record = self._kill(before)
            yield record
            if not record["killed"]:
                break  # it was over
        yield self._end()

    def _kill(self, before: Files) -> Record:
        command = self.job.again if self.job.kind == "command" and self._has_changed(before) else self.job.command
        moment, seconds, happens = self._moment()
        record: Record = {"kind": self.job.kind, "name": self.job.name, "moment": moment, "killed": False}
        began = time.monotonic()
        with self._start(command) as victim:
            if victim.wait_for(seconds, happens):
                number, whom = self._choose()
                whom = victim.kill(number, whom)
                after = round(time.monotonic() - began, 3)
                record |= {"killed": True, "signal": number.name, "whom": whom, "after_s": after}
            record |= {"code": victim.end(), "went_on": victim.went_on, "hang": victim.hangs} | self._seen(victim)
        record |= self._mended_lock() | {"differing": self._differing(before)}
        return record | {"seconds": round(time.monotonic() - began, 2)}

    def _end(self) -> Record:
        """Run the job to its end, and compare everything with the undisturbed run."""
        began = time.monotonic()
        with self._start(self.job.again) as victim:
            record: Record = {
                "kind": self.job.kind,
                "name": self.job.name,
                "end": True,
                "code": victim.end(WHOLE_RUN_S),
            }
            self.took = time.monotonic() - began
            record |= {"hang": victim.hangs} | self._seen(victim)
        found, after = files_of(self.folder), self.job.after
        record["missing"] = sorted(after.keys() - found.keys())
        record["left_over"] = sorted(found.keys() - after.keys())
        record["differing"] = sorted(name for name in after.keys() & found.keys() if after[name] != found[name])
        return record | {"seconds": round(self.took, 2)}

    def _start(self, command: tuple[str, ...]) -> Victim:
        return Victim(command, self.folder, self.env, self.folder.with_suffix(".log"))

    def _moment(self) -> tuple[str, float, Callable[[], bool] | None]:
        """Return the name of a moment, the seconds to wait for at most, and what ends the wait."""
        draw = self.rng.random()
        if draw < EARLY:
            return "early", self.rng.uniform(0, FIRST_MOMENTS_S), None
        if draw < EARLY + AIMED:
            return "writing", 10 * self.took, self.job.appears(self.folder)
        return "random", self.rng.uniform(0, min(self.took, BETWEEN_KILLS_S)), None

    def _choose(self) -> tuple[signal.Signals, str]:
        """Return a signal, and whom it is sent to. dvc alone ignores SIGINT while a stage runs."""
        number = self.rng.choice(SIGNALS)
        if self.job.kind != "dvc":
            return number, "group"
        return number, self.rng.choice(["group", "stage"] if number == signal.SIGINT else ["group", "stage", "first"])

    def _seen(self, victim: Victim) -> Record:
        """Return what is wrong with a run that has ended."""
        orphans, printed = victim.orphans(), victim.printed()
        logs = Path(self.env["TMPDIR"]).glob("uticket-*.log")
        defects = [printed, *(path.read_text() for path in logs)]
        blocks = [block for text in defects for block in text.split(TRACEBACK)[1:]]
        ours = [block for block in blocks if self.job.kind != "dvc" or OURS.search(block)]
        for path in Path(self.env["TMPDIR"]).glob("uticket-*.log"):
            path.unlink()
        seen: Record = {"tracebacks": len(ours), "tracebacks_of_dvc": len(blocks) - len(ours), "orphans": orphans}
        return seen | ({"printed": "\n".join(defects)[-3000:]} if blocks or orphans or victim.failed else {})

    def _mended_lock(self) -> Record:
        """Bring torn files of dvc back by the commands that `uticket check` names."""
        every, mended = "", True
        while self.job.kind == "dvc" and (is_torn(self.folder / DVC_LOCK) or is_no_json(self.folder / USED)):
            check = (sys.executable, "-m", "uticket.cli", "check")
            said = subprocess.run(check, cwd=self.folder, env=self.env, capture_output=True, text=True).stderr
            named = REMEDY.match(said) if said not in every else None  # once was enough
            every += said
            command = named[1] if named else f"rm -f {DVC_LOCK} {USED}"
            done = subprocess.run(command, shell=True, cwd=self.folder, env=self.env, capture_output=True)
            mended &= bool(named) and done.returncode == 0
        if not every:
            return {}
        return {"torn_lock": True, "mended_lock": mended, "said": every}

    def _differing(self, before: Files) -> list[str]:
        """Return the files that are neither old nor new; states and parts of files are removed by the next run."""
        found, after = files_of(self.folder), self.job.after
        known = [name for name in found if name in before or name in after]
        wrong = [name for name in known if found[name] not in (before.get(name), after.get(name))]
        return sorted(name for name in wrong if name != DVC_LOCK)

    def _has_changed(self, before: Files) -> bool:
        return any(before.get(name) != digest for name, digest in files_of(self.folder).items())


def is_torn(lock: Path) -> bool:
    """Return whether dvc.lock is there, but not whole."""
    if not lock.exists():
        return False
    text = lock.read_text(errors="replace")
    try:
        found = YAML(typ="safe").load(text)
    except YAMLError:
        return True
    return not (text.endswith("\n") and isinstance(found, dict) and isinstance(found.get("stages"), dict))


def is_no_json(path: Path) -> bool:
    """Return whether a file is there, but no JSON."""
    try:
        json.loads(path.read_text(errors="replace"))
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return False
