"""What a round removes, and how it balances what is left (blocks `prune` and `balance`)."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, PlainValidator

from uticket.base.errors import InputError
from uticket.config.array import MOST_PES, Array
from uticket.config.block import AtLeastOne, Block, Positive, shown
from uticket.config.tables import Choice, Score, Target, TeamScore

PruneScope = Literal["global", "layer"]
Scope = Literal["group", "layer"]
Rounding = Literal["ceil", "nearest"]
TeamWeights = Literal["trained", "kept"]
Team = Literal["consecutive", "alike"]


class Prune(Block):
    """What a round removes."""

    fraction: Annotated[float, Field(gt=0, lt=1)]  # of the weights that are left
    score: Score = Field("magnitude", description="By which the smallest weights are found.")
    scope: PruneScope = Field("global", description="Of the network, or of each layer.")
    epochs: AtLeastOne | None = None  # in which the ticket of a round is trained; None: as many as `train.epochs`
    early_time: bool  # search with fewer timesteps; the last ticket of a chain trains with all
    early_time_threshold: Positive  # divergence of the classes, 1 the largest; above 1 any number of timesteps will do
    early_bird: bool  # end the search of a round when its mask settles; the last ticket of a chain trains to the end

    @property
    def early(self) -> bool:
        """Whether intermediate tickets are trained for less than the last ones."""
        return self.early_time or self.early_bird


def _check_share(value: Any) -> Any:
    by_layer = isinstance(value, dict) and value and all(isinstance(name, str) for name in value)
    if not all(type(share) is int and 1 <= share <= MOST_PES for share in (value.values() if by_layer else [value])):
        raise ValueError(
            f"expected a whole number from 1 to {MOST_PES}, or one for each of some layers, got {shown(value)}"
        )
    return value


def _check_team(value: Any) -> Any:
    if value not in get_args(Team):
        raise ValueError(f"expected one of {', '.join(get_args(Team))}, got {shown(value)}")
    return value


def _by_round(check: Callable[[Any], Any], value: Any) -> tuple[Any, ...]:
    """Return the checked entries of a list, or the only one."""
    if value in ([], ()):
        raise ValueError("expected an entry for each of the first rounds, got an empty list")
    return tuple(map(check, value if isinstance(value, list | tuple) else [value]))


Shares = int | dict[str, int]  # of all layers, or of those named
Share = Annotated[Shares, PlainValidator(_check_share)]
SharePath = Annotated[tuple[Shares, ...], PlainValidator(partial(_by_round, _check_share))]
TeamPath = Annotated[tuple[Team, ...], PlainValidator(partial(_by_round, _check_team))]


class _Balancing(Block):
    """What `balance.METHOD` and `Balance` have in common."""

    scope: Scope = Field("group", description="What ends equal: the PEs of each group, or all filters of a layer.")
    mode: Target = Field("both", description="To the mean, the maximum (recover) or the minimum (remove).")
    round: Rounding = Field("ceil", description="How the mean is rounded to whole weights.")
    select: Choice = Field("random", description="Which weights are added and removed.")
    blocks: bool = Field(False, description="Each filter keeps one weight in each of as many equal blocks.")
    share_budget: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="Share where it pays, in teams of up to --share, for this part of the kept magnitude."
    )
    team_score: TeamScore = Field("sum_of_squares", description="How magnitudes add up in a team that shares.")
    team_weights: TeamWeights = Field("trained", description="Scored in a team: weights before pruning, or the kept.")


class Balance(_Balancing):
    """How the PEs get equal work (`uticket.pruning.balance`)."""

    share: Share = Field(1, description="PEs of a group that form a team and keep the same positions.")
    team: Team = Field("consecutive", description="Filters of a team: in their order, or those that are most alike.")

    def share_of(self, layer: str) -> int:
        """Return how many PEs form a team in a layer; 1 if only others are named."""
        return self.share.get(layer, 1) if isinstance(self.share, dict) else self.share

    def check_on(self, array: Array, block: str = "") -> None:
        """Raise InputError, naming the setting of the block, if teams cannot be formed on this array or found again."""
        shares = self.share.values() if isinstance(self.share, dict) else [self.share]
        self._check_budget(block)
        for share in shares if self.scope == "group" else ():
            if array.pes % share:
                raise InputError(f"{block}share: expected a divisor of the {array.pes} PEs, got {share}")
            if share > 1 and array.dataflow not in ("filters", "inner-join"):
                no_teams = "in which a PE has no filter of its own"
                raise InputError(
                    f"{block}share: expected 1 with the dataflow {array.dataflow}, {no_teams}, got {share}"
                )
        if max(shares) > 1 and self.team == "alike" and array.mapping != "patterns":
            finds = f"with the mapping {array.mapping} (patterns finds teams of other filters)"
            raise InputError(f"{block}team: expected consecutive {finds}, got alike")

    def _check_budget(self, block: str) -> None:
        if self.share_budget is None:
            return
        if isinstance(self.share, dict):
            raise InputError(
                f"{block}share: expected the largest team, one number, with share_budget, got {self.share}"
            )
        for name, value, expected in (("scope", self.scope, "group"), ("select", self.select, "magnitude")):
            if value != expected:
                raise InputError(f"{block}{name}: expected {expected} with share_budget, got {value}")


class BalancePath(_Balancing):
    """The block `balance.METHOD`: how the PEs get equal work, round by round.

    Of a list of settings, round r takes entry r, and later rounds the last one.
    """

    share: SharePath = Field((1,), description="PEs of a team, by round.")
    team: TeamPath = Field(("consecutive",), description="Filters of a team, by round.")

    def in_each_round(self) -> list[Balance]:
        """Return the settings of the first rounds; later rounds repeat the last."""
        return [self.in_round(number + 1) for number in range(max(len(self.share), len(self.team)))]

    def in_round(self, number: int) -> Balance:
        """Return the settings of a round, counted from 1 on, without those that decide nothing in it."""
        share, team = (path[min(number, len(path)) - 1] for path in (self.share, self.team))
        unused = {"team"} if share == 1 else set()
        if not self.blocks:
            unused.add("blocks")
        if share == 1 or self.share_budget is None:
            unused.add("share_budget")
        if (share == 1 and not self.blocks) or self.select == "random":
            unused |= {"team_score", "team_weights"}
        settings = self.model_dump() | {"share": share, "team": team}
        return Balance.model_validate({name: value for name, value in settings.items() if name not in unused})
