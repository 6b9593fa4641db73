"""The smallest project in which every stage has something to do; stages run in the process of the test."""

import importlib
from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result
from PIL import Image
from ruamel.yaml import YAML

from tests.helpers import PARAMS, ROOT
from uticket.base.seeds import generator

STAGES = {
    "data": ("data",),
    "dense": ("dense",),
    "plan": ("plan",),
    "ticket": ("ticket", "uticket/r01"),
    "map": ("map", "uticket"),
    "simulate": ("simulate", "uticket"),
    "quantize": ("quantize", "uticket"),
    "report": ("report",),
}  # in the order of the data
DIFFERS = "cost.json"  # times that were measured


def write_project(folder: Path) -> None:
    """Write params, and images of two classes."""
    params = YAML(typ="safe").load(PARAMS.read_text())
    params["data"] |= {"name": "folder", "size": 8, "channels": 1, "test_share": 0.25}
    params["model"] |= {"width": 0.125, "timesteps": 2}
    params["train"] |= {"epochs": 1, "batch_size": 8, "device": "cpu", "sparse": "off", "save_minutes": 1000}
    params["balance"] = {"uticket": {"scope": "group", "mode": "both", "select": "random"}}
    params["tickets"] = {"uticket/r01": "dense"}
    params["hw"]["sweeps"] = {"pes": [4]}
    params["quantize"]["bits"] = [4]
    params["report"] |= {"baseline": "uticket", "title": "Ölçü, für µ"}  # text that ASCII cannot hold
    YAML().dump(params, folder / "params.yaml")
    (folder / "uticket").symlink_to(ROOT / "uticket")  # where the chip file is
    rng = generator(0, "images of a test")
    for number in range(24):
        path = folder / "data" / "images" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 128, (8, 8), dtype=np.uint8) + np.uint8(127 * (number % 2))).save(path)


def run_stage(name: str) -> Result:
    """Run a stage in the working folder."""
    module, *arguments = STAGES[name]
    return CliRunner().invoke(importlib.import_module(f"stages.{module}").main, arguments)


def run_stages() -> None:
    """Run all stages in the working folder, in their order."""
    for name in STAGES:
        result = run_stage(name)
        assert result.exit_code == 0, (name, result.output)


def content(folder: Path) -> dict[str, bytes | None]:
    """Return the bytes of each file that may not change, None for a folder; the states of trainings are apart."""
    found: dict[str, bytes | None] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not (path.is_symlink() or name.startswith((".uticket", "uticket/")) or path.name == DIFFERS):
            found[name] = path.read_bytes() if path.is_file() else None
    return found
