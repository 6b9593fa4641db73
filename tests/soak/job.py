"""What is killed: one stage, one command, or `dvc repro` from nothing to the end."""

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ruamel.yaml import YAML

from tests.soak.project import DVC_LOCK, Files, Smoke, files_of, without_results

TICKET, OTHER = "uticket/r02", "lth/r02"
STAGES = {
    "data": ("data",),
    "dense": ("dense",),
    "plan": ("plan",),
    "ticket": ("ticket", TICKET),
    "map": ("map", "uticket"),
    "simulate": ("simulate", "uticket"),
    "quantize": ("quantize", "uticket"),
    "report": ("report",),
}
COMMANDS = {
    "balance": ("balance", f"tickets/{OTHER}", "balanced.safetensors"),
    "import": ("import", f"tickets/{OTHER}/weights.safetensors"),
    "export": ("export", f"tickets/{OTHER}", "exported.npz", "--format", "npz"),
    "rounds": ("rounds", "3"),
}
FORCE = {"balance", "import", "export"}  # commands that replace no file without being told to


@dataclass(frozen=True)
class Job:
    """A command that writes files, in a project where they are missing or old.

    after: digests of all files of the project once it has ended undisturbed. prepare: makes a copy of the undisturbed
    project what it is before the command. again: the command that resumes it. appears: what exists while files are put
    in place, by the project's folder: a good moment for a kill.
    """

    kind: str
    name: str
    command: tuple[str, ...]
    again: tuple[str, ...]
    after: Files
    prepare: Callable[[Path, random.Random], object]
    appears: Callable[[Path], Callable[[], bool]]


def jobs_of(smoke: Smoke) -> dict[str, list[Job]]:
    """Return the jobs by kind; commands are run once undisturbed to see what they write."""
    outs, done = _outs(smoke.undisturbed), files_of(smoke.undisturbed)
    dvc = (sys.executable, "-m", "dvc", "repro")
    jobs = [Job("dvc", "repro", dvc, dvc, done, lambda folder, _: without_results(folder), _lock_changes)]
    for name, (stage, *arguments) in STAGES.items():
        command = (sys.executable, "-m", f"stages.{stage}", *arguments)
        written = outs["@".join(STAGES[name])]
        jobs.append(Job("stage", name, command, command, done, partial(_remove_some, written), partial(_part, written)))
    for name, arguments in COMMANDS.items():
        command = (sys.executable, "-m", "uticket.cli", *arguments)
        folder = smoke.copy("undisturbed_command")
        smoke.project(folder).run(*command)
        after = files_of(folder)
        written = [path for path, digest in after.items() if done.get(path) != digest]
        again = (*command, "--force") if name in FORCE else command
        jobs.append(Job("command", name, command, again, after, lambda *_: None, partial(_part, written)))
    return {kind: [job for job in jobs if job.kind == kind] for kind in ("dvc", "stage", "command")}


def _outs(folder: Path) -> dict[str, list[str]]:
    """Return what each stage writes, by dvc.lock."""
    stages = YAML(typ="safe").load((folder / DVC_LOCK).read_text())["stages"]
    return {name: [out["path"] for out in stage["outs"]] for name, stage in stages.items()}


def _remove_some(outs: list[str], folder: Path, rng: random.Random) -> None:
    """Remove the outputs of a stage, as DVC does before it runs it, or leave the old ones there."""
    if rng.random() < 0.5:
        for name in outs:
            for path in [folder / name, *(folder / name).rglob("*")]:
                if path.is_file():
                    path.unlink()


def _part(outs: list[str], folder: Path) -> Callable[[], bool]:
    """Return a function that says whether a part file, or a folder of parts, of an output is there."""
    paths = {folder / name for name in outs} | {(folder / name).parent for name in outs}
    parts = [path.with_name(f".{path.name}.part") for path in paths if path != folder]
    return lambda: any(part.exists() for part in parts)


def _lock_changes(folder: Path) -> Callable[[], bool]:
    """Return a function that says whether dvc has begun to write dvc.lock since."""

    def written() -> tuple[int, int] | None:
        try:
            found = (folder / DVC_LOCK).stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size

    before = written()
    return lambda: written() != before
