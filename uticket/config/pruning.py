"""What a round removes, and how it balances what is left (blocks `prune` and `balance`)."""

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator

from uticket.base.errors import InputError
from uticket.config.array import Array
from uticket.config.block import Block
from uticket.config.tables import Choice, Score, Target, TeamScore

PruneScope = Literal["global", "layer"]
Scope = Literal["group", "layer"]
Rounding = Literal["ceil", "nearest"]
TeamWeights = Literal["trained", "kept"]


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


def _is_share(value: Any) -> bool:
    return type(value) is int and value >= 1


def _check_share(value: Any) -> Any:
    by_layer = isinstance(value, dict) and value and all(isinstance(name, str) for name in value)
    if not all(_is_share(share) for share in (value.values() if by_layer else [value])):
        raise ValueError(f"expected a whole number from 1 on, or one for each of some layers, got {value!r}")
    return value


def _check_path(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return _check_share(value)
    if not value:
        raise ValueError("expected a share for each of the first rounds, got an empty list")
    return tuple(_check_share(share) for share in value)


Share = Annotated[int | dict[str, int], PlainValidator(_check_share)]
SharePath = Annotated[int | dict[str, int] | tuple[int | dict[str, int], ...], PlainValidator(_check_path)]


class _Balancing(Block):
    """What `balance.METHOD` and `Balance` have in common."""

    scope: Scope = Field("group", description="What ends equal: the PEs of each group, or all filters of a layer.")
    mode: Target = Field("both", description="To the mean, the maximum (recover) or the minimum (remove).")
    round: Rounding = Field("ceil", description="How the mean is rounded to whole weights.")
    select: Choice = Field("random", description="Which weights are added and removed.")
    team_score: TeamScore = Field("sum_of_squares", description="How magnitudes add up in a team that shares.")
    team_weights: TeamWeights = Field("trained", description="Scored in a team: weights before pruning, or the kept.")


class Balance(_Balancing):
    """How the PEs get equal work (`uticket.pruning.balance`)."""

    share: Share = Field(1, description="PEs of a group that form a team and keep the same positions.")

    def share_of(self, layer: str) -> int:
        """Return how many PEs form a team in a layer; 1 if only others are named."""
        return self.share.get(layer, 1) if isinstance(self.share, dict) else self.share

    def check_on(self, array: Array, where: str = "share") -> None:
        """Raise InputError, naming the setting as `where`, if the groups of this array cannot be cut into the teams."""
        shares = self.share.values() if isinstance(self.share, dict) else [self.share]
        for share in shares if self.scope == "group" else ():
            if array.pes % share:
                raise InputError(f"{where}: expected a divisor of the {array.pes} PEs, got {share}")
            if share > 1 and array.dataflow != "filters":
                no_teams = "in which a PE has no filter of its own"
                raise InputError(f"{where}: expected 1 with the dataflow {array.dataflow}, {no_teams}, got {share}")


class BalancePath(_Balancing):
    """The block `balance.METHOD`: how the PEs get equal work, round by round."""

    share: SharePath = Field(1, description="PEs of a team; of a list, round r takes entry r, and the last repeats.")

    def in_each_round(self) -> list[Balance]:
        """Return the settings of the first rounds; later rounds repeat the last."""
        return [self.in_round(number + 1) for number in range(len(self._shares))]

    def in_round(self, number: int) -> Balance:
        """Return the settings of a round, counted from 1 on, without those that decide nothing in it."""
        share = self._shares[min(number, len(self._shares)) - 1]
        settings = self.model_dump() | {"share": share}
        if share == 1 or self.select == "random":
            settings = {name: value for name, value in settings.items() if name not in ("team_score", "team_weights")}
        return Balance.model_validate(settings)

    @property
    def _shares(self) -> tuple[int | dict[str, int], ...]:
        return self.share if isinstance(self.share, tuple) else (self.share,)
