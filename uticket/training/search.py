"""A training that only searches for the next mask, shortened: by fewer timesteps, by fewer epochs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class EarlyStop(Protocol):
    """What decides whether a search may end (`uticket.pruning.early_bird`); its repr names its settings."""

    recent: Sequence[NDArray[np.uint8]]  # what it has to remember when a training resumes

    def see(self, weights: Mapping[str, NDArray[np.floating]]) -> None:
        """Note the weights at the end of an epoch, by layer."""

    @property
    def settled(self) -> bool:
        """Whether further epochs would change nothing."""


@dataclass(frozen=True)
class Search:
    """How a training is shortened; by default it is not."""

    early_time: float | None = None  # threshold by which the timesteps are chosen, see `early_time`
    early_stop: EarlyStop | None = None


WHOLE = Search()
