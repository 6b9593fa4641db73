"""DVC, which runs the stages of a project, and how it is stopped so that nothing is lost."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psutil

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_SAVE = 60.0  # of a stage, before dvc is stopped too


def start_dvc(
    folder: Path, *arguments: str, variables: Mapping[str, str] | None = None, **options: Any
) -> "subprocess.Popen[bytes]":
    """Start dvc in a folder; its stages run the programs of this Python, and print where this process does.

    variables: of the environment, beside those of this process. options: of subprocess.Popen.
    """
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    env = os.environ | {"PATH": programs} | dict(variables or {})
    return subprocess.Popen([sys.executable, "-m", "dvc", *arguments], cwd=folder, env=env, **options)


def stop_dvc(dvc_number: int) -> None:
    """End a dvc by ending the stages that it runs: it then puts its files in order. Returns when all have ended.

    dvc_number: of its process.
    """
    import psutil

    dvc, told = psutil.Process(dvc_number), list["psutil.Process"]()
    deadline = time.monotonic() + SECONDS_TO_SAVE
    while any(_alive(process) for process in (dvc, *told)):
        with suppress(psutil.NoSuchProcess):
            new = [process for process in dvc.children(recursive=True) if process not in told]
            told += new
            for process in new:
                _end(process)
        if time.monotonic() > deadline:  # it copies files
            _end(dvc)
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _end(process: "psutil.Process") -> None:
    import psutil

    with suppress(psutil.NoSuchProcess):
        process.terminate()


def _alive(process: "psutil.Process") -> bool:
    """Return whether a process runs. One that has ended and is not waited for, as here in a handler, does not."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
