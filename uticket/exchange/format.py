"""What the formats have in common: what a ticket is written from, and what is said about the file.

A format is one file of this folder: a function that writes a ticket, and `FORMATS = {"name": Format(endings, write)}`,
a dictionary written out at the top level, from which `uticket export` learns the name without importing the file. What
takes seconds to import may therefore be imported at the top of that file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError, listed
from uticket.config.array import Array
from uticket.config.paths import TicketFiles
from uticket.ticket.layer import Layer
from uticket.ticket.left_out import LeftOut
from uticket.ticket.ticket import Ticket


@dataclass(frozen=True)
class Source:
    """A ticket to write, and what some formats need beside it."""

    files: TicketFiles
    ticket: Ticket
    array: Array = field(default_factory=Array)  # wsp: where filters run, and in how many bits
    params: Path = Path("params.yaml")  # nir, onnx: its block `model` says how the layers are connected
    image: int = 0  # prosperity: whose spikes

    @property
    def weights(self) -> dict[str, NDArray[np.floating]]:
        """Weights with the mask applied, by layer. Raises InputError, naming the file, if the ticket has none."""
        if self.ticket.weights is None:
            raise InputError(f"{self.files.weights}: expected the weights of the ticket, got no file")
        return {name: np.where(self.ticket.mask[name], values, 0) for name, values in self.ticket.weights.items()}

    def choose(self, why_not: Callable[[Layer], str]) -> tuple[list[Layer], dict[str, str]]:
        """Return the layers that a format can have, and why not of all others, by name.

        why_not: says what is in the way of a layer; empty if nothing is. Raises InputError if it can have none.
        """
        reasons = {layer.name: why_not(layer) for layer in self.ticket.layers}
        left_out = {name: reason for name, reason in reasons.items() if reason}
        if len(left_out) == len(reasons):
            name, reason = next(iter(left_out.items()), ("none", "no layers"))
            raise InputError(f"{self.files.layers}: expected a layer that the format can have, got {name} ({reason})")
        return [layer for layer in self.ticket.layers if layer.name not in left_out], left_out


@dataclass(frozen=True)
class Written:
    """What a file has."""

    contents: str  # in a few words
    left_out: Mapping[str, str] = field(default_factory=dict)  # layer -> why the format cannot have it

    def line(self, ticket: Ticket) -> str:
        """Return a line for people; left out layers with the share of all weights that they hold."""
        if not self.left_out:
            return self.contents
        by_reason: dict[str, list[str]] = {}
        for name, reason in self.left_out.items():
            by_reason.setdefault(reason, []).append(name)
        parts = "; ".join(f"{reason}: {listed(names)}" for reason, names in by_reason.items())
        kept = [layer.name for layer in ticket.layers if layer.name not in self.left_out]
        share = LeftOut.of(ticket.layers, kept).weights_share
        return f"{self.contents}; left out: {parts}; {100 * share:.1f} % of the weights"


@dataclass(frozen=True)
class Format:
    """How a ticket is written: the endings of the file, and what writes it, all or nothing."""

    endings: tuple[str, ...]
    write: Callable[[Source, Path], Written]
