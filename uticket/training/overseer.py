"""The dvc process that started this one: when it is gone, nobody waits for the results."""

import os
import time
from pathlib import Path
from typing import Any

SECONDS_BETWEEN_LOOKS = 1.0


class Overseer:
    """Watches the dvc process above this one, if there is one; there may be a shell in between."""

    def __init__(self) -> None:
        self._process = _dvc_above()
        self._looked = time.monotonic()

    def gone(self) -> bool:
        """Return whether that process has ended. Looks once a second; between two looks it returns False."""
        now = time.monotonic()
        if self._process is None or now - self._looked < SECONDS_BETWEEN_LOOKS:
            return False
        self._looked = now
        return not self._process.is_running() or self._process.status() == "zombie"


def _dvc_above() -> Any:
    """Return the process of dvc (psutil.Process), or None."""
    if "DVC_ROOT" not in os.environ:
        return None
    import psutil  # imported here: only where DVC runs a stage

    for process in psutil.Process().parents():
        try:
            if any("dvc" in Path(word).name for word in process.cmdline()[:3]):
                return process
        except psutil.Error:
            continue
    return None
