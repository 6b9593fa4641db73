"""Progress of a long step: a bar on a terminal, a line now and then in a log elsewhere."""

import io
import logging
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

log = logging.getLogger("uticket")

SECONDS_OF_SHORT = 1.0  # a step that ends sooner shows no bar
SECONDS_BETWEEN_BEATS = 1.0  # of a bar whose item takes long
SECONDS_TO_A_LINE = 10.0  # in a log, and then half as long as the step has taken, at most a minute
MOST_SECONDS_TO_A_LINE = 60.0
STARTED = time.monotonic()  # about when this process did


class _PastTheBar(logging.Handler):
    """Writes each line to standard error above a progress bar, if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


def start_logging() -> None:
    """Send the library's log to standard error, with the time of day; of the processes of torchrun only the first's."""
    handler = _PastTheBar()
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", datefmt="%H:%M:%S"))
    log.handlers = [handler]
    log.setLevel(logging.INFO if _first() else logging.CRITICAL)
    log.propagate = False


def log_end(what: str, found: str, path: Path) -> None:
    """Log how a stage ended: what it found, the file or folder that it wrote, and its time so far."""
    log.info("%s  %s; %s in %s", what, found, path, in_words(time.monotonic() - STARTED))


def in_words(seconds: float) -> str:
    """Return a time such as 4.2 s, 75 s or 31 min."""
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def bar(items: Iterable[Any] | None, what: str, unit: str, total: int | None = None, initial: int = 0) -> "tqdm[Any]":
    """Return tqdm's bar over `items`, with rate and time left; without a terminal it is a line in the log at times."""
    return _moving(items, desc=what, unit=f" {unit}", total=total, initial=initial)


@contextmanager
def underway(what: str) -> Iterator[None]:
    """Show, as `bar` does, how long the body takes, of which nothing else is known."""
    with _moving(None, desc=what, bar_format="{desc}  {elapsed}"):
        yield


def _moving(items: Iterable[Any] | None, **look: Any) -> "tqdm[Any]":
    shown = sys.stderr.isatty() if _first() else False
    kind = tqdm if shown else _Lines
    disable = not _first() or not (shown or log.handlers)  # to a caller of the library a log says nothing unasked
    made: tqdm[Any] = kind(items, **look, disable=disable, delay=SECONDS_OF_SHORT, dynamic_ncols=True, leave=False)
    if not disable:
        threading.Thread(target=_beat, args=(made,), daemon=True).start()
    return made


class _Lines(tqdm):  # type: ignore[type-arg]  # generic for type checkers only
    """A bar that is lines in the log."""

    def __init__(self, *args: Any, **look: Any) -> None:
        self._due = SECONDS_TO_A_LINE  # seconds since the start
        super().__init__(*args, **{**look, "file": io.StringIO()})

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:  # type: ignore[override]
        """Log how far it is, if it is time to."""
        elapsed = self.format_dict["elapsed"]
        if msg is None and elapsed >= self._due:
            self._due = elapsed + min(max(elapsed / 2, SECONDS_TO_A_LINE), MOST_SECONDS_TO_A_LINE)
            log.info("%s", self._line(elapsed))
        return False

    def _line(self, elapsed: float) -> str:
        line = f"{self.desc}  {in_words(elapsed)} so far"
        if self.total:
            line += f", {self.n:,} of {self.total:,}{self.unit}"
            done = self.n - self.initial
            line += f", about {in_words((self.total - self.n) * elapsed / done)} left" if done else ""
        return f"{line}, {self.postfix}" if self.postfix else line


def _beat(moving: "tqdm[Any]") -> None:
    """Show a bar again each second until it is closed, also while one item of it takes long."""
    time.sleep(SECONDS_OF_SHORT)
    moving.delay = 0
    while True:
        with moving.get_lock():
            if moving.disable:  # as `close` leaves it, before it clears the bar
                return
            moving.refresh(nolock=True)
        time.sleep(SECONDS_BETWEEN_BEATS)


def _first() -> bool:
    return os.environ.get("RANK", "0") == "0"
