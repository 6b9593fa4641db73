"""What has to be kept between the layers of a network: spikes from their writer to their readers, and sums that wait.

A layer writes the spikes that its readers use (`uticket.hardware.connections`), pooled if pooling lies between, a bit
for each timestep, once for all readers of one shape; positions that none of them uses are not written. If a residual
sum has several layers, its partial sums wait from the first of them to the last, as wide as the accumulators, which the
layers in between need for their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from uticket.hardware.connections import Connection, Sum
from uticket.mapping.placed import Bools
from uticket.mapping.policies import Ints
from uticket.ticket.layer import Layer

SUM_BITS = 24  # of an accumulator, the paper


@dataclass(eq=False)
class Kept:
    """Spikes, or partial sums, and the layers that use them, numbered in the order in which they run on the PEs."""

    position_bits: int  # of each position
    positions: Bools  # (height, width), those that are written
    written: list[int]  # by these layers; by none: they come from outside
    inputs: dict[int, int] = field(default_factory=dict)  # layer -> bits of its input
    read: list[int] = field(default_factory=list)  # by these layers, whole, to be added to their sums

    @property
    def bits(self) -> int:
        """What is kept at a time."""
        return self.position_bits * int(self.positions.sum())

    @property
    def span(self) -> slice:
        """The layers from the first to the last that uses it."""
        layers = [*self.written, *self.inputs, *self.read]
        return slice(min(layers), max(layers) + 1)

    @property
    def waits(self) -> bool:
        """Whether it is both written and read on the PEs."""
        return bool(self.written and (self.inputs or self.read))


def kept_spikes(
    connections: Sequence[Connection], steps: Mapping[str, int], timesteps: int, value_bits: Mapping[str, int]
) -> list[Kept]:
    """Return the spikes that layers on the PEs read or write.

    steps: the number of each of those layers. value_bits: layer -> bits of its input in a timestep, if not one.
    """
    found: dict[tuple[Sum | str, int, tuple[int, int], int], Kept] = {}

    def spikes_of(written: Sum | str, channels: int, size: tuple[int, int], bits: int = 1) -> Kept:
        nothing = Kept(timesteps * channels * bits, np.zeros(size, dtype=bool), _writer(written, steps))
        return found.setdefault((written, channels, size, bits), nothing)

    for connection in connections:
        layer, step = connection.layer, steps.get(connection.layer.name)
        if step is None:
            continue
        bits, used = value_bits.get(layer.name, 1), used_input(layer)
        spikes = spikes_of(connection.reads or layer.name, layer.channels, layer.input_size, bits)
        spikes.inputs[step] = spikes.position_bits * int(used.sum())
        spikes.positions |= used
        if connection.adds_to.identity is not None:
            added = spikes_of(connection.adds_to.identity, layer.filters, layer.output_size)
            added.read.append(step)
            added.positions[:] = True
    read = {written for written, *_ in found}
    for written in {connection.adds_to: None for connection in connections if connection.adds_to not in read}:
        if _writer(written, steps):
            last = written.parts[-1]
            spikes_of(written, last.filters, last.output_size).positions[:] = True
    return list(found.values())


def kept_sums(connections: Sequence[Connection], steps: Mapping[str, int], timesteps: int) -> Iterator[Kept]:
    """Return the partial sums that wait for another layer on the PEs."""
    for one in {connection.adds_to: None for connection in connections}:
        parts = [layer for layer in one.parts if layer.name in steps]
        layers = [steps[layer.name] for layer in parts]
        if len(parts) > 1:
            every = np.ones(parts[0].output_size, dtype=bool)
            yield Kept(timesteps * SUM_BITS * parts[0].filters, every, layers[:-1], read=layers[1:])


def used_input(layer: Layer) -> Bools:
    """Return which positions of its input a layer uses, shape (height, width): a stride may pass some over."""
    rows, columns = (np.isin(np.arange(layer.input_size[axis]), used_along(layer, axis)) for axis in (0, 1))
    used: Bools = rows[:, np.newaxis] & columns
    return used


def used_along(layer: Layer, axis: int, begin: int = 0, end: int | None = None) -> Ints:
    """Return the rows (axis 0) or columns of the input that the outputs begin .. end - 1 use, without padding."""
    outputs = np.arange(layer.output_size[axis])[begin:end]
    first = outputs * layer.stride[axis] - layer.padding[axis]
    places = np.unique(first[:, np.newaxis] + np.arange(layer.kernel[axis]) * layer.dilation[axis])
    used: Ints = places[(places >= 0) & (places < layer.input_size[axis])]
    return used


def _writer(written: Sum | str, steps: Mapping[str, int]) -> list[int]:
    """Return the layer on the PEs whose neurons fire: the last one of a sum; none for what comes from outside."""
    parts = written.parts if isinstance(written, Sum) else []
    return [steps[layer.name] for layer in parts if layer.name in steps][-1:]
