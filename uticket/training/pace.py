"""The speed of an epoch, and its loss on the progress bar."""

import time
from typing import TYPE_CHECKING, Any

from uticket.training.tally import Tally

if TYPE_CHECKING:
    from tqdm import tqdm

SECONDS_OF_A_LINE = 2.0  # of an epoch that is worth a line of the log; of shorter ones the bar shows the number
SECONDS_BETWEEN_FIGURES = 0.5  # reading a loss makes a GPU wait, so the bar does not get one in every step


class Pace:
    """Counts the images of an epoch. epoch: as the bar shows it."""

    def __init__(self, progress: "tqdm[Any]", epoch: str) -> None:
        self._progress, self._epoch, self._count = progress, epoch, 0
        self._started = self._shown = time.monotonic()

    def update(self, count: int, tally: Tally) -> None:
        """Count `count` more images, and show loss and accuracy so far now and then."""
        self._count += count
        self._progress.update(count)
        if not self._progress.disable and time.monotonic() - self._shown > SECONDS_BETWEEN_FIGURES:
            self._shown = time.monotonic()
            loss, accuracy_so_far = tally.means()
            self._progress.set_postfix_str(f"epoch {self._epoch}, loss {loss:.3f}, accuracy {accuracy_so_far:.3f}")

    @property
    def is_worth_a_line(self) -> bool:
        """Return whether the epoch took so long that the log gets its figures."""
        return time.monotonic() - self._started >= SECONDS_OF_A_LINE

    def images_per_second(self) -> float:
        """Return the speed of training since the epoch began, or since this run resumed it."""
        return self._count / (time.monotonic() - self._started)
