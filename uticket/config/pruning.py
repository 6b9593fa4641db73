"""What a round removes, and how it balances what is left (blocks `prune` and `balance`)."""

from typing import Annotated, Literal

from pydantic import Field

from uticket.config.block import Block
from uticket.config.tables import Choice, Score, Target

PruneScope = Literal["global", "layer"]
Scope = Literal["group", "layer"]


class Prune(Block):
    """What a round removes."""

    fraction: Annotated[float, Field(gt=0, lt=1)]  # of the weights that are left
    score: Score = Field("magnitude", description="By which the smallest weights are found.")
    scope: PruneScope = Field("global", description="Of the network, or of each layer.")
    early_time: bool  # search with fewer timesteps; the last ticket of a chain trains with all
    early_time_threshold: Annotated[float, Field(gt=0, le=1)]  # divergence of the classes, 1 the largest
    early_bird: bool  # end the search of a round when its mask settles; the last ticket of a chain trains to the end

    @property
    def early(self) -> bool:
        """Whether intermediate tickets are trained for less than the last ones."""
        return self.early_time or self.early_bird


class Balance(Block):
    """How the PEs get equal work (`uticket.pruning.balance`)."""

    scope: Scope = Field("group", description="What ends equal: the PEs of each group, or all filters of a layer.")
    mode: Target = Field("both", description="To the mean, the maximum (recover) or the minimum (remove).")
    select: Choice = Field("random", description="Which weights are added and removed.")
