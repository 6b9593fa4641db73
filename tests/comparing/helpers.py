"""Small Git repositories with results written by hand."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

NOBODY = {f"GIT_{who}_{what}": "nobody@x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
PARAMS = "seed: 0\nhw: {pes: 16, sweeps: {}}\nenergy: {leakage_ratio: 0.21}\nreport: {title: a, baseline: lth}\n"
ROUNDS = """method,round,ticket,accuracy,sparsity,utilization,latency_cycles,energy
lth,1,lth/r01,0.95,0.5,0.8,2000,800
lth,2,lth/r02,0.9,0.75,0.5,1000,500
uticket,2,uticket/r02,0.88,0.75,1.0,800,400
"""
MODELS = """method,ticket,model,latency_cycles,pe_pj
lth,lth/r02,analytic,1000,5
lth,lth/r02,events,1200,6
uticket,uticket/r02,analytic,800,4
uticket,uticket/r02,events,900,4.5
"""
FILES = {"params.yaml": PARAMS, "report/rounds.csv": ROUNDS, "report/models.csv": MODELS}
# another array: u-Ticket's latency is 25 % less, its energy too, its accuracy a point more
OTHER = {
    "params.yaml": PARAMS.replace("pes: 16", "pes: 64"),
    "report/rounds.csv": ROUNDS.replace("0.88,0.75,1.0,800,400", "0.89,0.75,1.0,600,300"),
    "report/models.csv": MODELS.replace("events,900", "events,750"),
}


def git(folder: Path, *arguments: str) -> str:
    """Run Git in a folder; return what it prints."""
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env=os.environ | NOBODY)
    return ran.stdout.strip()


def commit(folder: Path, files: Mapping[str, str | None], subject: str = "results") -> str:
    """Write files (None removes one) into a folder of a repository, which is made if needed; return the commit."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(text)
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", subject)
    return git(folder, "rev-parse", "HEAD")


def two_branches(folder: Path) -> Path:
    """Make a repository with the branches main, which is checked out, and other; return it."""
    folder.mkdir(exist_ok=True)
    commit(folder, FILES, "sixteen")
    git(folder, "switch", "--quiet", "--create", "other")
    commit(folder, OTHER, "sixty-four")
    git(folder, "switch", "--quiet", "main")
    return folder


def experiment(folder: Path, name: str, base: str, files: Mapping[str, str]) -> str:
    """Keep files as DVC keeps an experiment that began at a commit; return its ref."""
    commit(folder, files, "dvc: commit experiment")
    ref = f"refs/exps/{base[:2]}/{base[2:]}/{name}"
    git(folder, "update-ref", ref, "HEAD")
    git(folder, "reset", "--quiet", "--hard", base)
    return ref
