"""Plans: what decides the mask of each ticket, and which tickets a method has; small files that stages depend on.

A stage reads only the plan of its own ticket or method, so it reruns only if a change of params.yaml changes that plan.
Another number of PEs retrains only the tickets balanced for it; a longer chain reruns no other chain.
"""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from uticket.base.files import write_json
from uticket.config.array import Array
from uticket.config.document import Document
from uticket.config.paths import chain_file, ticket_plan_file
from uticket.config.pruning import Balance


class Plan(Document):
    """A JSON file of settings, written by the stage plan."""

    hint: ClassVar[str] = "run the stage plan"

    def write(self, path: Path) -> None:
        """Write what was set: a setting that is left to its default decides nothing here."""
        write_json(path, self.model_dump(exclude_unset=True))


class TicketPlan(Plan):
    """How one ticket is made from its parent."""

    ticket: str  # METHOD/NAME
    parent: str  # `dense` or METHOD/NAME
    round: int  # of its chain, from 1 on
    final: bool  # trained to the end and with all timesteps; false for intermediate tickets with `prune.early_*`
    balance: Balance | None  # None: pruned only
    array: Array | None  # whose groups, or layers, are balanced; None if neither matters


class ChainPlan(Plan):
    """The tickets of one method."""

    method: str
    rounds: Annotated[dict[str, int], Field(min_length=1)]  # dense and the method's tickets, by round -> their round

    @property
    def tickets(self) -> list[str]:
        """Dense and the method's tickets, by round."""
        return list(self.rounds)

    @property
    def last(self) -> str:
        """The ticket of the highest round; of several, the one whose name is last."""
        return self.tickets[-1]


def read_chain(method: str) -> ChainPlan:
    """Read the list of a method's tickets."""
    return ChainPlan.read(chain_file(method))


def read_plan(ticket: str) -> TicketPlan:
    """Read the plan of METHOD/NAME."""
    return TicketPlan.read(ticket_plan_file(ticket))
