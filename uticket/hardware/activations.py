"""Where the spikes between layers, and sums that wait, are kept: one decision for the whole network.

Layers run one after another. Spikes from outside the array, such as those of the layer that reads the image, come from
DRAM, and those that no layer on the PEs reads leave to DRAM. All else is kept either in the memory for spikes or in
DRAM, from the layer that writes it to the last one that reads it. At each layer its input has the first claim on the
memory for spikes: if it fits there it is held while the layer runs, copied once if it comes from DRAM. The room left
goes to what waits for the fewest layers, of those to the smallest; what finds no room at one of its layers is kept in
DRAM.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from uticket.hardware.connections import connect
from uticket.hardware.kept import Kept, kept_spikes, kept_sums
from uticket.mapping.policies import Ints
from uticket.ticket.layer import Layer
from uticket.ticket.ticket import Ticket


@dataclass(frozen=True)
class Bits:
    """What is moved to or from the memory for spikes (SRAM) and DRAM."""

    sram: int = 0
    dram: int = 0

    def __add__(self, other: "Bits") -> "Bits":
        """Return both together."""
        return Bits(self.sram + other.sram, self.dram + other.dram)


@dataclass
class Activations:
    """What one layer reads and writes for one image, in bits; each bit of its input counts once."""

    held: bool  # whether its input fits the memory for spikes; if not, it passes through it each time that it is read
    used: Bits = Bits()  # spikes of its input, by where they are kept
    shortcut: Bits = Bits()  # spikes that are added to its sums
    written: Bits = Bits()  # spikes
    sums_read: Bits = Bits()  # partial sums of the layers before
    sums_written: Bits = Bits()  # partial sums for the layers after
    value_bits: int = 1  # of an input in a timestep: one for a spike


def place_activations(ticket: Ticket, capacity: float) -> dict[str, Activations]:
    """Decide where the spikes and sums of each layer on the PEs are kept; capacity: bits of the memory for spikes."""
    steps = {layer.name: step for step, layer in enumerate(ticket.on_pes)}
    connections = connect(ticket.layers)
    value_bits = {layer.name: bits_of_value(ticket, layer) for layer in ticket.on_pes}
    spikes = kept_spikes(connections, steps, ticket.timesteps, value_bits)
    sums = list(kept_sums(connections, steps, ticket.timesteps))
    used = np.zeros(len(steps), dtype=np.int64)
    for one in spikes:
        used[list(one.inputs)] = list(one.inputs.values())
    near = choose_near([*spikes, *sums], np.where(used <= capacity, used, 0), capacity)

    def by_memory(one: Kept, bits: int) -> Bits:
        return Bits(sram=bits) if one in near else Bits(dram=bits)

    found = [
        Activations(held=bool(bits <= capacity), value_bits=value_bits[name])
        for name, bits in zip(steps, used, strict=True)
    ]
    for one in spikes:
        for step, bits in one.inputs.items():
            found[step].used = by_memory(one, bits)
        for step in one.read:
            found[step].shortcut = by_memory(one, one.bits)
        for step in one.written:
            found[step].written += by_memory(one, one.bits)
    for one in sums:
        for step in one.written:
            found[step].sums_written = by_memory(one, one.bits)
        for step in one.read:
            found[step].sums_read = by_memory(one, one.bits)
    return dict(zip(steps, found, strict=True))


def bits_of_value(ticket: Ticket, layer: Layer) -> int:
    """Return the bits of an input of a layer in a timestep: one, or those of the largest number of spikes.

    Of a layer that reads counts and has no spikes in the ticket, those of the largest that a ticket may hold.
    """
    if layer.reads != "counts":
        return 1
    arriving = (ticket.spikes or {}).get(layer.name)
    return 8 if arriving is None else max(int(arriving.max(initial=0)).bit_length(), 1)


def choose_near(kept: Sequence[Kept], held: Ints, capacity: float) -> set[Kept]:
    """Return what is kept in the memory for spikes.

    held: (layers,), bits of the input of each layer that the memory holds while it runs. capacity: bits.
    """
    near, room = set(), capacity - held
    waiting = [one for one in kept if one.waits]
    for one in sorted(waiting, key=lambda one: (one.span.stop - one.span.start, one.bits)):
        needed = np.full(len(held), one.bits)
        needed[list(one.inputs)] -= held[list(one.inputs)]  # what it is the input of holds it already
        if (needed[one.span] <= room[one.span]).all():
            near.add(one)
            room[one.span] -= needed[one.span]
    return near
