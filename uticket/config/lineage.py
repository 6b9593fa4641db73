"""Which ticket is pruned from which (block `tickets`): METHOD/NAME -> its parent, `dense` or another METHOD/NAME."""

from collections.abc import Mapping
from dataclasses import dataclass

from uticket.base.errors import InputError

DENSE = "dense"  # the ticket of round 0, from which every chain starts


@dataclass(frozen=True)
class Lineage:
    """The tickets by method.

    parents: ticket -> the ticket it is pruned from. Raises ValueError if a parent does not exist or the parents
    form a circle.
    """

    parents: Mapping[str, str]

    def __post_init__(self) -> None:
        for ticket in self.parents:
            self.line(ticket)

    @property
    def methods(self) -> list[str]:
        """The methods that have tickets, in the order of their first ones."""
        return list(dict.fromkeys(method_of(ticket) for ticket in self.parents))

    def parent(self, ticket: str) -> str:
        """Return the ticket that `ticket` is pruned from. Raises InputError if there is no such ticket."""
        if ticket not in self.parents:
            raise InputError(f"ticket: expected one of params.yaml ({', '.join(self.parents)}), got {ticket!r}")
        return self.parents[ticket]

    def line(self, ticket: str) -> list[str]:
        """Return the tickets from `dense` to `ticket`."""
        line = [ticket]
        while line[-1] != DENSE:
            child, parent = line[-1], self.parents[line[-1]]
            if parent != DENSE and parent not in self.parents:
                known = ", ".join([DENSE, *self.parents])
                raise ValueError(f"tickets.{child}: expected a parent that is one of {known}, got {parent!r}")
            if parent in line:
                circle = " <- ".join([*line[line.index(parent) :], parent])
                raise ValueError(f"tickets.{child}: expected parents that lead to {DENSE}, got the circle {circle}")
            line.append(parent)
        return line[::-1]

    def round_of(self, ticket: str) -> int:
        """Return the round of a ticket; `dense` is round 0."""
        return len(self.line(ticket)) - 1

    def chain(self, method: str) -> list[str]:
        """Return `dense` and the tickets of a method, by round; those of the same round by name."""
        if method not in self.methods:
            raise InputError(f"method: expected one of {', '.join(self.methods)}, got {method!r}")
        tickets = [ticket for ticket in self.parents if method_of(ticket) == method]
        return [DENSE, *sorted(tickets, key=lambda ticket: (self.round_of(ticket), ticket))]

    def is_final(self, ticket: str) -> bool:
        """Return whether no other ticket is pruned from `ticket`."""
        return ticket not in self.parents.values()


def method_of(ticket: str) -> str:
    """Return METHOD of METHOD/NAME."""
    return ticket.partition("/")[0]
