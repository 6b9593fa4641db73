"""Two runs on one machine give the same bytes, whatever surrounds them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tests.reliability.small import content, write_project

RUN = "from tests.reliability.small import run_stages; run_stages()"
# Python would use UTF-8 in the locale C, too, if it were let
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
PLACES = {
    "ASCII, Kiritimati": ASCII | {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1"},
    "Turkish, Honolulu": {"LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Honolulu", "PYTHONHASHSEED": "2"},
}


def ran(folder: Path, env: dict[str, str], umask: int) -> dict[str, bytes | None]:
    """Run all stages in a process of their own; return what they wrote."""
    folder.mkdir()
    write_project(folder)
    names = ("LANG", "TZ", "PYTHONUTF8", "PYTHONHASHSEED", "PYTHONIOENCODING")
    rest = {name: value for name, value in os.environ.items() if name not in names and not name.startswith("LC_")}
    env = rest | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | env
    subprocess.run([sys.executable, "-c", RUN], cwd=folder, env=env, umask=umask, check=True)
    return content(folder)


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, bytes | None]:
    env = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}
    return ran(tmp_path_factory.mktemp("here") / "project", env, 0o022)


@pytest.mark.parametrize("place", PLACES)
def test_other_locales_time_zones_hash_seeds_umasks_and_folders_give_the_same_bytes(place, expected, tmp_path):
    known = subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout.lower().replace("-", "").split()
    wanted = PLACES[place]["LC_ALL"]
    if wanted.lower().replace("-", "") not in known:
        pytest.skip(f"this system has no locale {wanted}")
    found = ran(tmp_path / "a folder (ü)", PLACES[place], 0o077)
    assert len(expected) > 50
    assert [name for name in expected | found if found.get(name, b"none") != expected.get(name, b"none")] == []
