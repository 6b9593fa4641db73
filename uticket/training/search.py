"""A training that only searches the next mask, made shorter: by fewer timesteps, by fewer epochs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from uticket.base.files import Weights


class EarlyStop(Protocol):
    """What says that a search may end (`uticket.prune.early_bird`); its text names its settings."""

    recent: Sequence[NDArray[np.uint8]]  # what it has to remember

    def see(self, weights: Weights) -> None:
        """Take up the weights at the end of an epoch, by layer."""

    @property
    def settled(self) -> bool:
        """Whether further epochs would change nothing."""


@dataclass(frozen=True)
class Search:
    """How a training is made shorter; by default it is not."""

    early_time: float | None = None  # threshold by which the timesteps are chosen, see `early_time`
    early_stop: EarlyStop | None = None


WHOLE = Search()
