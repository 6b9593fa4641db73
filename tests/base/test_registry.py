import subprocess
import sys

import pytest

from uticket.base.registry import Registry
from uticket.config import tables

REGISTRIES = {name: table for name, table in vars(tables).items() if isinstance(table, Registry)}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `shapes` beside nothing else, whose files define names in the constant NAMES."""
    folder = tmp_path / "shapes"
    (folder / "round").mkdir(parents=True)
    (folder / "round" / "circle.py").write_text("raise RuntimeError('imported')\nNAMES = {'circle': 1, 'disc': 2}\n")
    (folder / "round" / "ring.py").write_text("NAMES: dict[str, object] = {'ring': len}\nOTHER = {'no': 0}\n")
    (folder / "round" / "none.py").write_text("def f():\n    NAMES = {'inner': 0}\n")
    monkeypatch.setattr("uticket.base.registry.PACKAGE", folder)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_names_are_read_without_importing_the_files(package):
    table = Registry("round/*.py", "NAMES")
    assert list(table) == ["circle", "disc", "ring"]
    assert len(table) == 3
    assert "ring" in table
    assert "disc" in table
    assert "inner" not in table


def test_looking_a_name_up_imports_its_file_alone(package):
    table = Registry("round/*.py", "NAMES")
    assert table["ring"] is len
    with pytest.raises(RuntimeError, match="imported"):
        table["disc"]
    with pytest.raises(KeyError):
        table["square"]


def test_name_that_is_no_name_is_an_error_that_lists_them(package):
    table = Registry("round/*.py", "NAMES")
    assert table.check("ring") == "ring"
    with pytest.raises(ValueError, match="expected one of circle, disc, ring, got 'square'"):
        table.check("square")


def test_a_new_file_adds_its_names(package):
    (package / "round" / "arc.py").write_text("NAMES = {'arc': 4}\n")
    assert list(Registry("round/*.py", "NAMES")) == ["arc", "circle", "disc", "ring"]


def test_a_name_in_two_files_is_a_mistake_of_the_code(package):
    (package / "round" / "twin.py").write_text("NAMES = {'ring': 4}\n")
    with pytest.raises(AssertionError, match="'ring'"):
        list(Registry("round/*.py", "NAMES"))


@pytest.mark.parametrize("table", REGISTRIES)
def test_every_name_of_the_library_stands_for_something(table):
    registry = REGISTRIES[table]
    assert registry
    assert all(registry[name] is not None for name in registry)


def test_reading_all_names_imports_neither_torch_nor_numba():
    code = """
import sys
from uticket.base.registry import Registry
from uticket.config import tables
assert all(list(table) for table in vars(tables).values() if isinstance(table, Registry))
print({"torch", "numba"} & set(sys.modules))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
