"""`uticket compile`: call each compiled loop that needs no training once, so that later processes load it."""

from dataclasses import replace
from itertools import product

import numpy as np

from uticket.config.array import Array, Broadcast
from uticket.config.pruning import Balance
from uticket.config.tables import CHOICES, DATAFLOWS
from uticket.hardware.simulation import simulate
from uticket.pruning.balance import balance
from uticket.rivals.compare import compare_rivals
from uticket.ticket.ticket import Ticket

BROADCASTS = Broadcast(), Broadcast(order="activation"), Broadcast(granularity="channel")


def compile_loops() -> None:
    """Simulate, balance and compare a small ticket in all ways that call other loops, or give them other types."""
    ticket = _ticket()
    for dataflow in DATAFLOWS:
        for broadcast, swap in product(BROADCASTS, (0, 1)):
            simulate(ticket, Array(pes=2, dataflow=dataflow, weight_swap_cycles=swap), broadcast)
    for choice in CHOICES:
        balance(ticket, Array(pes=2), Balance(select=choice), seed=0)
    balance(ticket, Array(pes=2, mapping="patterns"), Balance(share=2, team="alike"))
    compare_rivals(ticket, Array(pes=2))


def _ticket() -> Ticket:
    """Return a layer of 4 filters that differ in density, with dense spikes."""
    weights = np.tri(4, 2, dtype=np.float32).reshape(4, 2, 1, 1) / 2
    ticket = Ticket.from_arrays({"conv": weights}).with_positions({"conv": 4})
    return replace(ticket, spikes={"conv": np.ones((1, 1, 2, 1, 4), dtype=bool)})
