"""The surroundings of a project: Git and DVC without settings of the user."""

import os
from pathlib import Path

import pytest


def surround(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let Git and DVC keep everything in a folder, and stages note there what they train."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(folder / "site"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder))
    monkeypatch.setenv("TRAININGS", str(folder / "trainings"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch) -> None:
    surround(monkeypatch, tmp_path)
