"""docs/parameters.md: every setting of params.yaml, from its record, the file itself and dvc.yaml."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML

from reference.comments import meanings
from reference.kinds import kind_of
from reference.markdown import code, made_by, plain, table
from uticket.config.params import Params

HEAD = """# Parameters

Every setting of `params.yaml`, by block. The default is the value in the `params.yaml` of this repository; a method
(`balance.METHOD`) may leave settings out, and then has the default given here. `dvc exp run -S hw.pes=8` changes one.

**Read by** lists the stages that run again when the setting changes. Stages after them run again only if what these
wrote has changed: `plan` writes a file for each ticket, and a ticket whose file stays the same is not trained again.
`uticket check` reports a wrong value in one line."""


@dataclass(frozen=True)
class Setting:
    """A setting. path: in the docs, such as `balance.METHOD.share`. place: in params.yaml. kind: its values."""

    path: str
    place: str
    kind: str


def page(root: Path) -> str:
    """Return the page."""
    text = (root / "params.yaml").read_text(encoding="utf-8")
    params, said = YAML(typ="safe").load(text), meanings(text)
    read_by = readers(YAML(typ="safe").load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"])
    parts = [made_by("python -m reference", "uticket/config, params.yaml and dvc.yaml"), HEAD]
    for block, field in Params.model_fields.items():
        found = list(settings(block, block, field))
        rows = [
            [code(one.path), default(params, one.place), one.kind, plain(said[one.place]), stages(read_by, one.place)]
            for one in found
        ]
        intro = [plain(said[block])] if said[block] and found[0].place != block else []
        parts += [f"## {block}", *intro, table(["parameter", "default", "values", "meaning", "read by"], rows)]
    return "\n\n".join(parts) + "\n"


def settings(path: str, place: str, field: FieldInfo) -> Iterator[Setting]:
    """Return the settings below a field: those of a record, of the record of a dictionary, or the field itself."""
    record = next((part for part in classes(field.annotation) if issubclass(part, BaseModel)), None)
    if place == "tickets":  # a setting for each name, all of one meaning
        yield Setting(f"{path}.METHOD/NAME", place, "`dense`, METHOD/NAME")
    elif record is None:
        yield Setting(path, place, kind_of(field))
    else:
        below = ("METHOD.", "uticket.") if place == "balance" else ("", "")
        for name, inner in record.model_fields.items():
            yield from settings(f"{path}.{below[0]}{name}", f"{place}.{below[1]}{name}", inner)


def classes(annotation: Any) -> Iterator[type]:
    """Return the classes of which a type is made."""
    if isinstance(annotation, type):
        yield annotation
    for part in get_args(annotation):
        yield from classes(part)


def default(params: Mapping[str, Any], place: str) -> str:
    """Return the value in params.yaml as YAML has it; of a block of values nothing."""
    value: Any = params
    for name in place.split("."):
        value = value[name]
    if isinstance(value, dict):
        return ""
    if isinstance(value, bool) or value is None:
        return code({True: "true", False: "false", None: "null"}[value])
    return code("[" + ", ".join(map(str, value)) + "]" if isinstance(value, list) else str(value))


def readers(stages: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return stage -> the settings and blocks that it reads, of the entries of dvc.yaml."""
    return {name: entry.get("do", entry).get("params", []) for name, entry in stages.items()}


def stages(read_by: Mapping[str, list[str]], place: str) -> str:
    """Return the stages that read the setting at `place`, or its block."""
    found = [name for name, keys in read_by.items() if any(f"{place}.".startswith(f"{key}.") for key in keys)]
    return ", ".join(found) or "none"
