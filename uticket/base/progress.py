"""Progress of a long step: a bar on a terminal, lines in a log elsewhere."""

import logging
import os
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

log = logging.getLogger("uticket")


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


def bar(items: Iterable[Any] | None, what: str, unit: str, total: int | None = None, initial: int = 0) -> "tqdm[Any]":
    """Return tqdm's bar over `items`, with rate and time left; it shows on a terminal only."""
    hidden = not (sys.stderr.isatty() and _first())
    return tqdm(
        items,
        desc=what,
        unit=f" {unit}",
        total=total,
        initial=initial,
        disable=hidden,
        dynamic_ncols=True,
        leave=False,
    )


def _first() -> bool:
    return os.environ.get("RANK", "0") == "0"
