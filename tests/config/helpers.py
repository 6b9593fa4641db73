"""What the tests of settings need."""

from pathlib import Path

from ruamel.yaml import YAML

from tests.helpers import PARAMS


def changed(tmp_path: Path, key: str, value: object) -> Path:
    """Write params.yaml with one value set (or, with `...`, removed)."""
    values = YAML(typ="safe").load(PARAMS)
    *blocks, last = key.split(".")
    block = values
    for name in blocks:
        block = block[name]
    if value is ...:
        del block[last]
    else:
        block[last] = value
    path = tmp_path / "params.yaml"
    YAML(typ="safe").dump(values, path)
    return path


def comments(text: str) -> list[str]:
    """The comments of a YAML text without # in its values, in order."""
    return [line.partition("#")[2] for line in text.splitlines() if "#" in line]


def alias_bomb(kind: str) -> str:
    """YAML of 29 lines, each nine times the one before once aliases are followed. kind: list, mapping or merge."""
    lines = ["a0: &a0 [x, x]"]
    for n in range(1, 30):
        aliases = [f"*a{n - 1}"] * 9
        body = {
            "list": f"[{', '.join(aliases)}]",
            "mapping": "{" + ", ".join(f"k{m}: {alias}" for m, alias in enumerate(aliases)) + "}",
            "merge": f"{{<<: [{', '.join(aliases)}]}}",
        }[kind]
        lines.append(f"a{n}: &a{n} {body}")
    return "\n".join(lines).replace("[x, x]", "{x: 1}" if kind == "merge" else "[x, x]")
