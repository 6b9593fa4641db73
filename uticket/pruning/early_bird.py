"""Early-bird tickets: the search of a round ends when the mask that it leads to no longer changes.

Source: You et al., "Drawing early-bird tickets", ICLR 2020, as the LTH-SNN paper (Kim et al., ECCV 2022) uses it: the
masks of the last five epochs, and a distance of 0.02.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from uticket.config.pruning import Prune
from uticket.config.tables import SCORES
from uticket.pruning.prune import prune_mask
from uticket.ticket.mask import Mask
from uticket.ticket.reader import Weights

EPOCHS = 5
DISTANCE = 0.02


class EarlyBird:
    """The masks that pruning after each of the last epochs gives.

    mask: of the ticket that is trained. settings: of the pruning that follows.
    """

    def __init__(self, mask: Mask, settings: Prune) -> None:
        self._mask, self._settings = mask, settings
        self._recent: deque[NDArray[np.uint8]] = deque(maxlen=EPOCHS)  # packed bits of all layers, the newest last

    def __repr__(self) -> str:
        return f"early bird, {self._settings!r}"

    def see(self, weights: Weights) -> None:
        """Note the mask that the weights at the end of an epoch give; weights: by layer."""
        scores = {name: SCORES[self._settings.score](values) for name, values in weights.items()}
        after = prune_mask(self._mask, scores, self._settings.fraction, self._settings.scope)
        self._recent.append(np.packbits(np.concatenate([after[name].ravel() for name in after])))

    @property
    def settled(self) -> bool:
        """Whether the newest of five masks differs from each other one in less than 2 % of the ticket's weights."""
        if len(self._recent) < EPOCHS:
            return False
        apart = [int(np.bitwise_count(self._recent[-1] ^ mask).sum()) for mask in self._recent]
        return max(apart) < DISTANCE * self._mask.num_kept

    @property
    def recent(self) -> Sequence[NDArray[np.uint8]]:
        """The masks, packed, the newest last; set them to resume a training."""
        return tuple(self._recent)

    @recent.setter
    def recent(self, masks: Sequence[NDArray[np.uint8]]) -> None:
        self._recent = deque(masks, maxlen=EPOCHS)
