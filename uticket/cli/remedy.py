"""What brings back a missing file that a stage of dvc.yaml writes, at the end of errors about it."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from uticket.base.errors import InputError
from uticket.base.files import is_file, read_text
from uticket.config.params import read_yaml

STAGES, PARAMS = "dvc.yaml", "params.yaml"
CONFIGS = (".dvc/config", ".dvc/config.local")
GENERAL = re.compile("; run the stage .*")  # advice where the project is not known


def with_remedy(message: str) -> str:
    """Return an error with the command that brings back the missing file that it begins with, if a stage writes it."""
    brings = remedy(Path(message.partition(": ")[0]))
    return message if brings is None else str(InputError(f"{GENERAL.sub('', message)}; {brings}"))


def remedy(path: Path) -> str | None:
    """Return what brings a missing file or folder back; None if it exists, or no stage of its project writes it."""
    if os.path.lexists(path):
        return None
    whole = path.absolute()
    root = next((folder for folder in whole.parents if is_file(folder / STAGES)), None)
    if root is None:
        return None
    try:
        stages, params = read_yaml(root / STAGES)["stages"], read_yaml(root / PARAMS)
        wanted = whole.relative_to(root)
        found = list(dict.fromkeys(name for name, out in _outs(stages, params) if _holds(Path(out), wanted)))
        fetched = "`dvc pull` fetches it, " if _has_remote(root) else ""
    except (InputError, LookupError, TypeError, AttributeError):  # another one's dvc.yaml
        return None
    if not found:
        return None
    repro = f"dvc repro {found[0]}" if len(found) == 1 else "dvc repro"
    where = "" if root == Path.cwd() else f" in {os.path.relpath(root)}"
    return f"{fetched}`{repro}`{where} makes it"


def _holds(out: Path, wanted: Path) -> bool:
    """Return whether one of two paths is the other one, or in it."""
    return out == wanted or out in wanted.parents or wanted in out.parents


def _outs(stages: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the name of each stage, and a file or folder that it writes; `foreach` takes a block of params.yaml."""
    for name, stage in stages.items():
        if "foreach" not in stage:
            yield from ((name, out) for out in _paths(stage))
            continue
        for key in params[stage["foreach"].strip("${} ")]:
            yield from ((f"{name}@{key}", out.replace("${key}", key)) for out in _paths(stage["do"]))


def _paths(stage: Mapping[str, Any]) -> Iterator[str]:
    for out in stage.get("outs", []):
        yield out if isinstance(out, str) else next(iter(out))


def _has_remote(root: Path) -> bool:
    """Return whether DVC may fetch results from somewhere."""
    return any("remote" in read_text(path) for name in CONFIGS if is_file(path := root / name))
