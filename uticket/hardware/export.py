"""The compressed weights of a network as arrays, for an RTL test bench."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.config.array import Array
from uticket.hardware.storage import WORD_BITS, Packed, pack
from uticket.mapping.placed import place
from uticket.ticket.quantize import quantize
from uticket.ticket.ticket import Ticket


def to_wsp(ticket: Ticket, array: Array) -> dict[str, NDArray[Any]]:
    """Return the streams of all PEs, by NAME.FIELD: the fields of `Packed`, and the step of each layer.

    Weights are rounded to `array.weight_bits` (default: 16): weight = word * step. Those that become zero are not
    stored, and filters are put on the PEs by what is stored. Raises InputError if the ticket has no weights.
    """
    bits = array.weight_bits or WORD_BITS
    array = array.model_copy(update={"weight_bits": bits})
    arrays: dict[str, NDArray[Any]] = {}
    for placed in place(ticket, array):
        name, weights = placed.layer.name, ticket.weights or {}
        levels, step = quantize(weights[name], ticket.mask[name], bits, array.quantizer)
        packed = pack(levels, placed)
        arrays |= {f"{name}.{field.name}": np.asarray(getattr(packed, field.name)) for field in fields(Packed)}
        arrays[f"{name}.step"] = np.array(step)
    return arrays


def from_wsp(arrays: Mapping[str, NDArray[Any]], name: str) -> Packed:
    """Return the streams of one layer of what `to_wsp` made."""
    values: dict[str, Any] = {field.name: arrays[f"{name}.{field.name}"] for field in fields(Packed)}
    return Packed(**{**values, "shape": tuple(values["shape"].tolist())})
