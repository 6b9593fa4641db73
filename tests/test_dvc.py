"""dvc.yaml lists the code and the params that each stage uses: what is missing there would leave stale results."""

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.helpers import ROOT
from uticket.base.registry import Registry
from uticket.config import tables
from uticket.config.array import Array

# They change no number, except in `plan`: the values of params and paths are tracked by DVC themselves.
NO_DEPS = ("uticket/cli", "uticket/config", "uticket/base/errors.py", "uticket/base/progress.py")
NO_DEPS += ("uticket/base/registry.py", "uticket/base/room.py", "uticket/base/threads.py", "uticket/__init__.py")
CHANGE_NO_NUMBER = {"save_minutes"}  # settings of train that must not train anything again
# what a property of a record stands for
PROPERTIES = {
    "hw.array": {f"hw.{name}" for name in Array.model_fields},
    "lineage": {"tickets"},
    "prune.early": {"prune.early_time", "prune.early_bird"},
}

DVC = YAML(typ="safe").load(ROOT / "dvc.yaml")
PARAMS = YAML(typ="safe").load(ROOT / "params.yaml")


def entries() -> dict[str, dict]:
    """Stage -> its entry, with the first ticket or method put in for ${key}."""
    found = {}
    for name, entry in DVC["stages"].items():
        if "foreach" in entry:
            items = PARAMS[entry["foreach"].strip("${}")]
            key = next(iter(items))
            text = str(entry["do"]).replace("${key}", key).replace("${item}", str(items[key]))
            entry = ast.literal_eval(text)
        found[name] = entry
    return found


ENTRIES = entries()


def script(entry: dict) -> Path:
    return Path("stages") / (entry["cmd"].split()[2].removeprefix("stages.") + ".py")


def is_dep(file: Path) -> bool:
    return not any(file.is_relative_to(folder) for folder in NO_DEPS) and file.name != "__init__.py"


def imported_names(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def files_of(registry: Registry) -> set[Path]:
    return {Path(*module.split(".")).with_suffix(".py") for module in registry._module_of.values()}


def imported(path: Path) -> set[Path]:
    """The files of the project that `path` imports, directly or through others, in functions and registries too."""
    found: set[Path] = set()
    waiting, packages = [path], {Path("uticket/__init__.py")}
    while waiting:
        names = imported_names(ast.parse((ROOT / waiting.pop()).read_text()))
        files = {Path(*name.split(".")).with_suffix(".py") for name in names}
        opened = {Path(*name.split("."), "__init__.py") for name in names} - packages
        opened = {package for package in opened if (ROOT / package).exists()}
        packages, waiting = packages | opened, [*waiting, *opened]
        for name in names:
            table = getattr(tables, name.rpartition(".")[2], None)
            if name.startswith("uticket.config.tables.") and isinstance(table, Registry):
                files |= files_of(table)
        for file in files:
            if (ROOT / file).exists() and file not in found and is_dep(file):
                found.add(file)
                waiting.append(file)
    return found


def used_params(path: Path) -> set[str]:
    """The values that a stage, and the functions of the pipeline that it calls, take from `params`, such as hw.pes."""
    found = set()
    pipeline = {file for file in imported(path) if file.is_relative_to("uticket/pipeline")}
    for file in {path} | pipeline:
        tree = ast.parse((ROOT / file).read_text())
        inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for node in ast.walk(tree):
            chain, here = [], node
            while isinstance(here, ast.Attribute):
                chain.append(here.attr)
                here = here.value
            if chain and id(node) not in inner and isinstance(here, ast.Name) and here.id == "params":
                key = ".".join(reversed(chain))
                found |= PROPERTIES.get(key, {key})
    return found - {f"train.{name}" for name in CHANGE_NO_NUMBER}


def covers(one: str, other: str) -> bool:
    return f"{other}.".startswith(f"{one}.") or f"{one}.".startswith(f"{other}.")


@pytest.mark.parametrize("name", ENTRIES)
def test_deps_are_the_imported_code(name):
    entry = ENTRIES[name]
    code = {Path(dep) for dep in entry["deps"] if dep.startswith(("stages/", "uticket/")) and "chips" not in dep}
    needed = imported(script(entry)) | {script(entry)}
    missing = {file for file in needed if not any(file.is_relative_to(dep) for dep in code)}
    listed = {file.relative_to(ROOT) for dep in code for file in [ROOT / dep, *(ROOT / dep).glob("**/*.py")]}
    unused = {file for file in listed if file.suffix == ".py" and is_dep(file)} - needed
    assert (missing, unused) == (set(), set())


@pytest.mark.parametrize("name", ENTRIES)
def test_params_are_the_used_values(name):
    entry = ENTRIES[name]
    used = used_params(script(entry))
    missing = {u for u in used if not any(covers(p, u) for p in entry["params"])}
    unused = {p for p in entry["params"] if not any(covers(u, p) for u in used)}
    assert (missing, unused) == (set(), set())
    partly = {p for p in entry["params"] for u in used if p.startswith(f"{u}.")}
    assert {p.partition(".")[0] for p in partly} <= {"train", "report"}
    if "train" in used:
        listed = {p.removeprefix("train.") for p in partly if p.startswith("train.")}
        assert listed == set(PARAMS["train"]) - CHANGE_NO_NUMBER


def test_plan_depends_on_what_decides_the_plans():
    deps = set(ENTRIES["plan"]["deps"])
    assert {"uticket/config/lineage.py", "uticket/config/plan.py", "uticket/pipeline/plan.py"} <= deps


def test_the_check_follows_imports_through_files_functions_and_registries():
    ticket = imported(Path("stages/ticket.py"))
    assert {Path("uticket/pruning/choices.py"), Path("uticket/pipeline/rounds.py")} <= ticket
    assert {Path("uticket/networks/vgg.py"), Path("uticket/pruning/scores.py")} <= ticket
    assert Path("uticket/training/train.py") not in imported(Path("stages/simulate.py"))
    assert Path("uticket/hardware/recurrence.py") in imported(Path("stages/simulate.py"))
    assert {"seed", "prune", "train"} <= used_params(Path("stages/ticket.py"))
    assert {"hw.pes", "balance"} <= used_params(Path("stages/plan.py"))
    assert {"hw.pes", "hw.weight_bits", "quantize.bits"} <= used_params(Path("stages/map.py"))


def test_every_script_is_a_stage_and_every_stage_says_what_it_does():
    scripts = {path.relative_to(ROOT) for path in (ROOT / "stages").glob("*.py")} - {Path("stages/__init__.py")}
    assert {script(entry) for entry in ENTRIES.values()} == scripts
    assert all(entry["desc"] for entry in ENTRIES.values())
