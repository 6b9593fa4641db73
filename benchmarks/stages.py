"""What the stages of `make` cost, at an earlier commit and now: CPU seconds of a process of each, in turn.

A stage with an entry for each ticket or method runs for the last one; `make` takes as many times that as there are
entries. Both commits run on the results of the current folder, so `make` comes first. CPU seconds are the least of the
repeats, of which the first one compiles: other processes on the machine only add to them. DVC's own time is not in
them. `python -m benchmarks.stages COMMIT` prints JSON; names of stages after the commit measure these only.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.timing import timed_process
from uticket.config.params import read_yaml

REPEATS = 2
RESULTS = ("data/prepared", "plans", "tickets", "mapping", "simulation", "quantization", "report")  # of the stages


def commands() -> dict[str, tuple[int, list[str]]]:
    """Return stage -> how often `make` runs it, and the arguments of Python for its last entry."""
    found, params = {}, read_yaml("params.yaml")
    for name, entry in read_yaml("dvc.yaml")["stages"].items():
        keys = list(params[entry["foreach"].strip("${}")]) if "foreach" in entry else [""]
        command = entry.get("do", entry)["cmd"].replace("${key}", keys[-1])
        found[name] = len(keys), command.split()[1:]
    return found


def copy_of(commit: str, folder: Path) -> Path:
    """Write the files of a commit, with the results of the current folder, and return their folder."""
    folder.mkdir()
    packed = subprocess.run(["git", "archive", commit], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=packed, check=True)
    for name in RESULTS:
        shutil.copytree(name, folder / name, dirs_exist_ok=True)
    return folder


def main() -> None:
    """Measure all stages in turn."""
    seconds: dict[str, dict[str, float]] = {}
    with TemporaryDirectory() as there:
        commits = {"before": sys.argv[1], "now": "HEAD"}
        trees = {when: copy_of(commit, Path(there, when)) for when, commit in commits.items()}
        for name, (runs, arguments) in commands().items():
            if sys.argv[2:] and name not in sys.argv[2:]:
                continue
            taken: dict[str, list[float]] = {when: [] for when in trees}
            for _, (when, tree) in product(range(REPEATS), trees.items()):
                environment = os.environ | {"PYTHONPATH": str(tree)}
                taken[when].append(timed_process([sys.executable, *arguments], tree, environment)[1])
            seconds[name] = {"runs": runs, **{when: round(min(times), 2) for when, times in taken.items()}}
            print(name, seconds[name], file=sys.stderr)
    totals = {when: round(sum(row["runs"] * row[when] for row in seconds.values()), 1) for when in trees}
    report = {"machine": platform.machine(), "repeats": REPEATS, "cpu_seconds": seconds, "cpu_seconds_of_make": totals}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
