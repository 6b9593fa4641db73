"""What decides the result of a point, as one digest: a kept result is used for the very same point only."""

import hashlib
import json
from typing import Any

import numpy as np

from uticket.config.space import Point
from uticket.hardware.chip import Chip
from uticket.ticket.ticket import Ticket


def digest_of(ticket: Ticket) -> str:
    """Return a digest of all that a ticket holds, 32 hexadecimal digits."""
    whole = hashlib.blake2b(digest_size=16)
    runs = None if ticket.runs is None else sorted(ticket.runs)
    settings = [ticket.timesteps, runs, ticket.spike_sparsity and dict(ticket.spike_sparsity)]
    whole.update(json.dumps([*settings, *(layer.model_dump_json() for layer in ticket.layers)]).encode())
    for name, arrays in (("mask", ticket.mask), ("weights", ticket.weights), ("spikes", ticket.spikes)):
        for layer, values in sorted((arrays or {}).items()):
            whole.update(f"\n{name} {layer} {values.dtype} {values.shape}\n".encode())
            whole.update(np.ascontiguousarray(values).data)
    return whole.hexdigest()


def key_of(digest: str, point: Point, chip: Chip, model: str) -> str:
    """Return a digest of a point, 32 hexadecimal digits. digest: of code and ticket."""
    parts: list[Any] = [digest, model]
    parts += [record.model_dump_json() for record in (point.array, point.broadcast, chip)]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
