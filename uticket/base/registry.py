"""Names that a user may choose by, each defined as a key of a dictionary in the file that implements it.

The names are read from the source without importing it: settings can be checked, and options listed, without loading
torch or numba, and the folder of settings imports nothing above it. A new network, score or mapping is therefore one
new entry in one file.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from uticket.base.errors import InputError

PACKAGE = Path(__file__).parent.parent


class Registry(Mapping[str, Any]):
    """Name -> what it stands for. Looking a name up imports the file that defines it.

    files: a glob below the package, such as "networks/*.py". constant: the dictionary at the top level of those files
    whose keys, written as text, are the names.
    """

    def __init__(self, files: str, constant: str) -> None:
        self._files, self._constant = files, constant

    @cached_property
    def _module_of(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in sorted(PACKAGE.glob(self._files)):
            module = ".".join([PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts])
            names = _keys(path, self._constant)
            twice = found.keys() & names
            assert not twice, f"{path}: {self._constant} has {', '.join(map(repr, twice))}, which another file has too"
            found |= dict.fromkeys(names, module)
        return found

    def __getitem__(self, name: str) -> Any:
        return getattr(import_module(self._module_of[name]), self._constant)[name]

    def __contains__(self, name: object) -> bool:
        return name in self._module_of  # a Mapping would look it up, which imports its file

    def __iter__(self) -> Iterator[str]:
        return iter(self._module_of)

    def __len__(self) -> int:
        return len(self._module_of)

    def named(self, name: str, setting: str) -> Any:
        """Return what `name` stands for. Raises InputError, naming the setting, if it is not one of the names."""
        try:
            return self[self.check(name)]
        except ValueError as error:
            raise InputError(f"{setting}: {error}") from None

    def check(self, name: str) -> str:
        """Return `name`. Raises ValueError, which lists the names, if it is none of them."""
        if name not in self._module_of:
            raise ValueError(f"expected one of {', '.join(self)}, got {name!r}")
        return name


def _keys(path: Path, constant: str) -> list[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(target, ast.Name) and target.id == constant for target in targets):
            assert isinstance(node.value, ast.Dict), f"{path}: {constant} is written as a dictionary"
            return [ast.literal_eval(key) for key in node.value.keys if key is not None]
    return []
