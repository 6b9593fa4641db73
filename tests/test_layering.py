"""Imports run downwards, and what takes seconds to load is loaded where it is needed only."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.helpers import PARAMS, ROOT

# from the lowest floor up; a folder imports from those on lower floors, and from itself
FLOORS = [
    ["base"],
    ["config", "engine", "foreign"],
    ["data", "ticket"],
    ["capturing", "mapping"],
    ["networks", "pruning"],
    ["hardware", "training"],
    ["exchange", "project", "rivals"],
    ["report"],
    ["comparing", "exploring"],
    ["cluster", "pipeline", "repeating"],
    ["cli"],
]
FLOOR = {folder: number for number, folders in enumerate(FLOORS) for folder in folders}


def folder_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "uticket" else None


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {folder for module in found if (folder := folder_of(module)) is not None}


def upward(folder: str, imports: set[str]) -> set[str]:
    return {other for other in imports - {folder} if FLOOR[other] >= FLOOR[folder]}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "uticket").glob("*/*.py")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_imports_run_downwards(path):
    assert upward(path.parent.name, imports_of(path)) == set()


def test_every_folder_has_a_floor_and_an_import_upwards_would_be_seen():
    folders = {path.name for path in (ROOT / "uticket").iterdir() if (path / "__init__.py").exists()}
    assert folders == set(FLOOR)
    assert upward("ticket", {"ticket", "config", "mapping"}) == {"mapping"}
    assert upward("engine", {"config"}) == {"config"}  # beside it, not below
    assert folder_of("uticket.mapping.placed") == "mapping"


def test_no_text_of_the_package_names_a_page_that_a_wheel_lacks():
    """Only `uticket.report` writes pages of the repository."""
    named = [path for path in (ROOT / "uticket").rglob("*.*") if path.suffix in (".py", ".yaml", ".md", ".j2")]
    named = [path for path in named if re.search(r"docs/[a-z-]+\.md", path.read_text()) and "report" not in path.parts]
    assert named == []


@cache
def loaded(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after `code`."""
    code = f"import sys\n{code}\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(result.stdout.splitlines()[-1].split())


STAGES = "import stages.data, stages.map, stages.simulate, stages.report, stages.plan"
LIBRARY = "import uticket.exchange.wsp, uticket.data.sources, uticket.report.write"
ANALYTIC = """
import numpy as np, uticket as ut
ticket = ut.Ticket.from_arrays({'conv': np.eye(9).reshape(9, 1, 3, 3)})
print(ut.audit(ticket, ut.Array(pes=4)).utilization)
"""


def test_torch_and_numba_stay_out_of_what_trains_nothing():
    params = f"from uticket.config.params import read_params; read_params({str(PARAMS)!r})"
    for code in (STAGES, LIBRARY, ANALYTIC, "import uticket.cli.main", params):
        assert not loaded(code) & {"torch", "numba"}, code
    assert "torch" not in loaded("import uticket.hardware.events, uticket.pruning.balance")


def test_the_api_is_loaded_when_it_is_used():
    assert not loaded("import uticket") & {"numpy", "pydantic", "torch"}


def test_the_check_sees_them_where_they_are():
    assert "torch" in loaded("import uticket.pipeline.rounds")
    assert "numba" in loaded("import uticket.hardware.events")


def test_training_starts_without_the_compiler(tmp_path):
    """PyTorch's compiler takes longer to import than a short training takes."""
    code = f"""
from pathlib import Path
from tests.training.test_keep import LONG, training
training(Path({str(tmp_path)!r}), LONG.model_copy(update={{"epochs": 2}}))
"""
    assert not loaded(code) & {"torch._dynamo", "torch._inductor", "triton", "torchvision"}
