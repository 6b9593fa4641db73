"""Keeping the state of a training, so that a run that is killed goes on where it was.

States lie in .uticket/scratch under the project's root, one folder for each training, named by a digest of everything
that decides its result: another mask, other weights, images, settings or code never take it up. A state is a
safetensors file, written beside the old one and then put in its place; nothing is unpickled.
"""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType
from typing import Any, Self

import psutil
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

import uticket
from uticket.base.errors import InputError
from uticket.base.progress import log
from uticket.training.ranks import ALONE, Ranks

PACKAGE = Path(uticket.__file__).parent
FOLDERS_OF_A_TRAINING = ("base", "config", "ticket", "mapping", "prune", "engine", "networks", "training")
SECONDS_BETWEEN_LOOKS = 1.0  # at the process that started the run


def scratch_root() -> Path:
    """Return the folder of all states: in the project that DVC runs in, or in the working folder."""
    return Path(os.environ.get("DVC_ROOT", ".")) / ".uticket" / "scratch"


def digest(parts: Iterable[str | Tensor]) -> str:
    """Return a digest of texts and tensors."""
    whole = hashlib.blake2b(digest_size=16)
    for part in parts:
        content = part.encode() if isinstance(part, str) else part.detach().cpu().contiguous().numpy().tobytes()
        whole.update(len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()


def code_in_use() -> list[str]:
    """Return what decides a training beside its input: the code, PyTorch's version, the number of threads.

    All modules that a training may import count, also those that are imported late, and the program itself.
    """
    program = getattr(sys.modules["__main__"], "__file__", None)
    files = [file for folder in FOLDERS_OF_A_TRAINING for file in sorted((PACKAGE / folder).glob("*.py"))]
    files += [Path(program)] if program is not None else []
    return [torch.__version__, str(torch.get_num_threads()), *(file.read_text() for file in files)]


class Keep(AbstractContextManager["Keep"]):
    """Where one training keeps its state: `with Keep(...) as keep: train(..., keep=keep); write the results`.

    The state is removed when the block ends without an error. what: names the training. minutes: between two states;
    0 keeps every step. ranks: the processes that train together; the first one keeps the state of all.
    A run that is asked to end (SIGTERM, SIGINT), or whose dvc process is gone, keeps its state and ends.
    """

    def __init__(self, what: str, minutes: float, ranks: Ranks = ALONE, root: Path | None = None) -> None:
        self.what, self.ranks = what, ranks
        self._seconds, self._root = 60 * minutes, root or scratch_root()
        self._folder: Path | None = None
        self._lock: Any = None
        self._asked = 0  # number of the signal
        self._before: dict[int, Any] = {}
        self._overseer = _dvc_above()
        self._saved = self._looked = time.monotonic()

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._folder is not None:
            if kind is None:
                shutil.rmtree(self._folder)
            self._lock.close()

    def _ask(self, number: int, _: FrameType | None) -> None:
        self._asked = number

    def open(self, key: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Take the folder of `key` for this run; return the state in it: tensors, and what else there is.

        A damaged state is told and left aside: None, as if there were none. Raises InputError if another run has it.
        """
        state: tuple[dict[str, Tensor], dict[str, Any]] | None = self.ranks.from_first(lambda: self._open(key))
        return state

    def _open(self, key: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        self._folder = self._root / f"{self.what.replace('/', '-')}-{key}"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self._folder / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            self._folder, folder = None, self._folder
            raise InputError(f"{self.what}: expected to be the only run of it, came another one ({folder})") from None
        path = self._folder / "state.safetensors"
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                written = file.metadata()
                tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
            if written["digest"] != digest([written["rest"], *tensors, *tensors.values()]):
                raise ValueError("other bytes than were written")
            return tensors, json.loads(written["rest"])
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            log.warning("%s  expected a whole state in %s, came: %s; starting over", self.what, path, reason)
            return None

    def due(self) -> bool:
        """Say whether the state is to be saved after this step: in all processes if in one of them."""
        now = time.monotonic()
        if self._overseer is not None and now - self._looked >= SECONDS_BETWEEN_LOOKS:
            self._looked = now
            if not self._overseer.is_running() or self._overseer.status() == psutil.STATUS_ZOMBIE:
                self._asked = signal.SIGTERM
        found = self.ranks.most(self._asked or int(now - self._saved >= self._seconds))
        if found > 1:
            self._asked = found
        return found > 0

    def save(self, tensors: Mapping[str, Tensor], rest: dict[str, Any]) -> None:
        """Put a state in the place of the last one, then end the run if it was asked to.

        Raises SystemExit with 128 + the number of the signal.
        """
        if self.ranks.first:
            assert self._folder is not None, "open comes first"
            part = self._folder / "state.part"
            whole = {name: tensors[name].contiguous() for name in sorted(tensors)}
            text = json.dumps(rest)
            save_file(whole, part, {"rest": text, "digest": digest([text, *whole, *whole.values()])})
            part.replace(self._folder / "state.safetensors")
        self._saved = time.monotonic()
        if self._asked:
            log.warning("%s  asked to end; the next run goes on from here", self.what)
            raise SystemExit(128 + self._asked)


def _dvc_above() -> psutil.Process | None:
    """Return the dvc process that started this one, if one did; there may be a shell in between."""
    if "DVC_ROOT" not in os.environ:
        return None
    for process in psutil.Process().parents():
        try:
            if any("dvc" in Path(word).name for word in process.cmdline()[:3]):
                return process
        except psutil.Error:
            continue
    return None
