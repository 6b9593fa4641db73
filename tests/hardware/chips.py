"""Chip files for tests."""

from pathlib import Path

from ruamel.yaml import YAML

from uticket.hardware.chip import DEFAULT_CHIP


def write_chip(folder: Path, **changes: object) -> Path:
    """The default chip with some keys, dotted, set to other values."""
    values = YAML(typ="safe").load(DEFAULT_CHIP)
    for key, value in changes.items():
        *above, last = key.split("__")
        block = values
        for part in above:
            block = block[int(part) if part.isdigit() else part]
        block[last] = value
    path = folder / "chip.yaml"
    YAML(typ="safe").dump(values, path)
    return path
