"""dvc.yaml lists the code and the params that each stage uses: what is missing there would leave stale results."""

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT

# They change no number: the values of params and paths are tracked by DVC themselves.
NO_DEPS = {"params.py", "paths.py", "names.py", "errors.py", "wording.py", "progress.py", "__init__.py"}
CHANGE_NO_NUMBER = {"save_minutes"}  # settings of train that must not train anything again
METHODS_OF_PARAMS = dict.fromkeys(["parent", "is_final", "lineage", "chain", "by_round", "round_of", "last"], "tickets")

DVC = YAML(typ="safe").load(ROOT / "dvc.yaml")
PARAMS = YAML(typ="safe").load(ROOT / "params.yaml")


def entries() -> dict[str, dict]:
    """Stage -> its entry, with the first ticket or method put in for ${key}."""
    found = {}
    for name, entry in DVC["stages"].items():
        if "foreach" in entry:
            items = PARAMS["tickets"] if entry["foreach"] == "${tickets}" else PARAMS["tickets"][name]
            text = str(entry["do"]).replace("${key}", next(iter(items), "r01"))
            entry = ast.literal_eval(text)
        found[name] = entry
    return found


ENTRIES = entries()


def script(entry: dict) -> Path:
    return Path("stages") / (entry["cmd"].split()[2].removeprefix("stages.") + ".py")


def imported(path: Path) -> set[Path]:
    """The files of the project that `path` imports, directly or through others, also inside functions."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        tree = ast.parse((ROOT / waiting.pop()).read_text())
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                file = Path(*name.split(".")).with_suffix(".py")
                if (ROOT / file).exists() and file not in found and file.name not in NO_DEPS:
                    found.add(file)
                    waiting.append(file)
    return found


def used_params(path: Path) -> set[str]:
    """The values that a stage takes from `params`, such as hw.pes."""
    tree = ast.parse((ROOT / path).read_text())
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found = set()
    for node in ast.walk(tree):
        chain, here = [], node
        while isinstance(here, ast.Attribute):
            chain.append(here.attr)
            here = here.value
        if chain and id(node) not in inner and isinstance(here, ast.Name) and here.id == "params":
            found.add(".".join(METHODS_OF_PARAMS.get(name, name) for name in reversed(chain)))
    return found


@pytest.mark.parametrize("name", ENTRIES)
def test_deps_are_the_imported_code(name):
    entry = ENTRIES[name]
    code = {Path(dep) for dep in entry["deps"] if dep.startswith(("stages/", "uticket/"))}
    needed = imported(script(entry)) | {script(entry)}
    missing = {file for file in needed if not any(file.is_relative_to(dep) for dep in code)}
    listed = {file.relative_to(ROOT) for dep in code for file in [ROOT / dep, *(ROOT / dep).glob("**/*.py")]}
    unused = {file for file in listed if file.suffix == ".py" and file.name not in NO_DEPS} - needed
    assert (missing, unused) == (set(), set())


@pytest.mark.parametrize("name", ENTRIES)
def test_params_are_the_used_values(name):
    entry = ENTRIES[name]
    used = used_params(script(entry))
    if script(entry).name == "round.py" and "hw.pes" not in entry["params"]:
        balance = PARAMS["balance"][name]
        assert balance is None or balance["scope"] == "layer"  # else filters are balanced by the groups of the array
        used -= {"hw.pes", "hw.mapping", "hw.dataflow"}
    used -= {f"train.{name}" for name in CHANGE_NO_NUMBER}
    # a stage of one method reads only the method's part of `balance` and `tickets`
    missing = {
        u for u in used if not any(f"{u}.".startswith(f"{p}.") or p.startswith(f"{u}.") for p in entry["params"])
    }
    unused = {p for p in entry["params"] if not any(f"{u}.".startswith(f"{p}.") or p.startswith(f"{u}.") for u in used)}
    assert (missing, unused) == (set(), set())
    partly = {p for p in entry["params"] for u in used if p.startswith(f"{u}.")}
    assert {p.partition(".")[0] for p in partly} <= {"balance", "tickets", "train"}
    if "stages.quantize" not in entry["cmd"]:
        listed = {p.removeprefix("train.") for p in partly if p.startswith("train.")}
        assert listed in (set(), set(PARAMS["train"]) - CHANGE_NO_NUMBER)


def test_the_check_follows_imports_through_other_files():
    assert Path("uticket/prune/select.py") in imported(Path("stages/round.py"))
    assert Path("uticket/training/train.py") not in imported(Path("stages/simulate.py"))
    assert {"hw.pes", "balance", "tickets", "prune.fraction"} <= used_params(Path("stages/round.py"))


def test_every_script_is_a_stage_and_every_stage_says_what_it_does():
    scripts = {path.relative_to(ROOT) for path in (ROOT / "stages").glob("*.py")} - {Path("stages/__init__.py")}
    assert {script(entry) for entry in ENTRIES.values()} == scripts
    assert all(entry["desc"] for entry in ENTRIES.values())


def test_there_is_a_chain_of_stages_for_each_method():
    assert set(PARAMS["tickets"]) <= set(DVC["stages"])
