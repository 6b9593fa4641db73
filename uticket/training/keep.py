"""Saving the state of a training, so that a run that was killed resumes when it is started again.

States lie in .uticket/scratch under the project's root, one folder for each training, named by a digest of everything
that decides its result (`uticket.training.key`): a training with another mask, other weights, images, settings or code
never uses it. A state is a safetensors file, written beside the old one, then put in its place; nothing is unpickled.
"""

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType
from typing import Any, Self

from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from uticket.base.arrays import open_safetensors
from uticket.base.errors import InputError, one_line
from uticket.base.files import write_bytes
from uticket.base.progress import log
from uticket.training.key import digest
from uticket.training.ranks import ALONE, Ranks
from uticket.training.saved import Saved


def scratch_root() -> Path:
    """Return the folder of all states: in the project that DVC runs in, or in the working folder."""
    return Path(os.environ.get("DVC_ROOT", ".")) / ".uticket" / "scratch"


class Keep(AbstractContextManager["Keep"]):
    """Where one training keeps its state: `with Keep(...) as keep: train(job, keep); write the results`.

    The state is removed when the block ends without an error. what: names the training. minutes: between two states;
    0 keeps every step. ranks: the processes that train together; the first one keeps the state of all.
    A run that is asked to stop (SIGTERM, SIGINT) keeps its state and stops.
    """

    def __init__(self, what: str, minutes: float, ranks: Ranks = ALONE, root: Path | None = None) -> None:
        self.what, self.ranks = what, ranks
        self._seconds, self._root = 60 * minutes, root or scratch_root()
        self._folder: Path | None = None
        self._lock: Any = None
        self._asked = 0  # number of the signal
        self._before: dict[int, Any] = {}
        self._saved = time.monotonic()

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

    def open(self, key: str) -> Saved | None:
        """Take the folder of `key` for this run, and return the state in it.

        A damaged state is logged and ignored: None, as if there were none. Raises InputError if another run has the
        folder.
        """
        state: Saved | None = self.ranks.from_first(lambda: self._open(key))
        return state

    def _open(self, key: str) -> Saved | None:
        folder = self._root / f"{self.what.replace('/', '-')}-{key}"
        self._lock = self._locked(folder)
        self._folder = folder
        path = folder / "state.safetensors"
        try:
            return _read(path) if path.exists() else None
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            log.warning("%s  expected a whole state in %s, got: %s; starting over", self.what, path, one_line(error))
            return None

    def _locked(self, folder: Path) -> Any:
        """Return the open file of the folder's lock, which no other process has while it is open."""
        while True:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                lock = (folder / "lock").open("a+")
            except OSError as error:
                reason = error.strerror or one_line(error)
                raise InputError(f"{folder}: expected a place to keep the state in, got: {reason}") from None
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(lock.fileno()), Path(lock.name).stat()):
                    return lock
            except FileNotFoundError:
                pass
            except OSError:
                lock.close()
                raise InputError(f"{self.what}: expected to be its only run, got another one in {folder}") from None
            lock.close()  # a run that ended meanwhile has removed the folder: what was locked is not there any more

    def due(self) -> bool:
        """Return whether the state is to be saved after this step: in all processes if in one of them."""
        found = self.ranks.most(self._asked or int(time.monotonic() - self._saved >= self._seconds))
        if found > 1:
            self._asked = found
        return found > 0

    def save(self, tensors: Mapping[str, Tensor], rest: dict[str, Any]) -> None:
        """Put a state in the place of the last one, then stop the run if it was asked to.

        Raises SystemExit with 128 + the number of the signal, and InputError if the state cannot be written.
        """
        if self.ranks.first:
            assert self._folder is not None, "open comes first"
            _write(self._folder / "state.safetensors", Saved(dict(tensors), rest))
        self._saved = time.monotonic()
        if self._asked:
            log.warning("%s  asked to stop; the next run resumes from here", self.what)
            raise SystemExit(128 + self._asked)


def _write(path: Path, state: Saved) -> None:
    whole = {name: state.tensors[name].contiguous() for name in sorted(state.tensors)}
    text = json.dumps(state.rest)
    write_bytes(path, save(whole, {"rest": text, "digest": digest([text, *whole, *whole.values()])}))


def _read(path: Path) -> Saved:
    """Return what `_write` wrote. Raises one of several errors if it is damaged, down to one bit."""
    with open_safetensors(path, "pt") as file:
        written = file.metadata()
        tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    if written["digest"] != digest([written["rest"], *tensors, *tensors.values()]):
        raise ValueError("other bytes than were written")
    return Saved(tensors, json.loads(written["rest"]))
