"""Which layer reads what another one writes, as far as the layers of a ticket tell.

A ticket has its layers in the order in which they run, their shapes, and the residual sums that they are part of
(`Layer.adds_to`), but no graph. So a layer reads the latest output before it that fits: with as many filters as the
layer has channels, and a map no smaller than its input (pooling lies between if it is larger). Neighbours in the order
that add to the same sum are a branch and its shortcut, which reads what the branch began with. A sum is complete when a
layer reads it; what its group adds afterwards is a new sum, to which the spikes of the one before are added if a single
layer is part of it (an identity shortcut). A layer for which nothing fits reads something from outside.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from uticket.ticket.layer import Layer


@dataclass(eq=False)
class Sum:
    """What neurons fire from: the output of a layer, or of several layers that are added."""

    parts: list[Layer] = field(default_factory=list)  # in the order in which they run
    identity: "Sum | None" = None  # whose spikes are added too
    complete: bool = False


@dataclass(frozen=True)
class Connection:
    """What a layer reads and what it writes to."""

    layer: Layer
    reads: Sum | None  # None: from outside
    adds_to: Sum


def connect(layers: Sequence[Layer]) -> list[Connection]:
    """Connect the layers of a network, in their order."""
    found: list[Connection] = []
    sums: list[Sum] = []  # the one that got a part last is the last
    for layer in layers:
        earlier = [one for one in sums if layer.adds_to and one.parts[-1].adds_to == layer.adds_to]
        latest = earlier[-1] if earlier else None
        begun = latest if latest is not None and not latest.complete else None
        beside = begun is not None and found[-1].adds_to is begun
        read = (_beginning_of_branch(layer, found) if beside else None) or _latest_that_fits(layer, sums)
        if read is not None:
            read.complete = True
        if begun is None or begun.complete:
            begun = Sum(identity=latest if latest is not None and same_map(latest.parts[-1], layer) else None)
        else:
            begun.identity = None
            sums.remove(begun)
        begun.parts.append(layer)
        sums.append(begun)
        found.append(Connection(layer, read, begun))
    return found


def same_map(one: Layer, other: Layer) -> bool:
    """Return whether the outputs of two layers have the same shape."""
    return (one.filters, one.output_size) == (other.filters, other.output_size)


def _latest_that_fits(layer: Layer, sums: Sequence[Sum]) -> Sum | None:
    return next((one for one in reversed(sums) if _fits(one, layer)), None)


def _fits(written: Sum, layer: Layer) -> bool:
    """Return whether a layer can read the spikes of a sum, perhaps pooled.

    A linear layer may read the channels of some positions, or of each, as its own; the positions of a map may become
    tokens in a row, and back.
    """
    of = written.parts[-1]
    if layer.kind == "linear":
        positions = math.prod(layer.input_size) * (layer.channels // of.filters)
        return layer.channels % of.filters == 0 and positions <= math.prod(of.output_size)
    smaller = all(read <= size for read, size in zip(layer.input_size, of.output_size, strict=True))
    return layer.channels == of.filters and (smaller or math.prod(layer.input_size) == math.prod(of.output_size))


def _beginning_of_branch(shortcut: Layer, found: Sequence[Connection]) -> Sum | None:
    """Return the first of what the branch before a shortcut passed through, back to the sum before, that fits."""
    fitting = [one for one in _branch_of(found) if _fits(one, shortcut)]
    return fitting[-1] if fitting else None


def _branch_of(found: Sequence[Connection]) -> Iterator[Sum]:
    """Return what the layers of the last branch read, its end first."""
    reads = {connection.adds_to: connection.reads for connection in found}
    at = found[-1].reads
    while at is not None:
        yield at
        if at.parts[-1].adds_to is not None:
            return
        at = reads[at]
