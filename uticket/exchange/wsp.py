"""wsp: the compressed weights of a network as the PEs read them, for an RTL test bench."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.config.array import Array
from uticket.exchange.format import Format, Source, Written
from uticket.foreign.write import write_arrays
from uticket.hardware.storage import WORD_BITS, Packed, pack
from uticket.mapping.placed import place
from uticket.ticket.left_out import reason
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


def write_wsp(source: Source, out: Path) -> Written:
    """Write an .npz archive of the streams. Raises InputError, naming the file, if no layer runs or has weights."""
    ticket = source.ticket.on_array(source.array)
    if not ticket.on_pes:
        what = "layer" if source.array.layers == "all" else "convolution"
        raise InputError(f"{source.files.layers}: expected a {what} that reads spikes, got none")
    if source.ticket.weights is None:
        raise InputError(f"{source.files.weights}: expected the weights of the ticket, got no file")
    arrays = to_wsp(source.ticket, source.array)
    write_arrays(out, arrays)
    words = sum(len(values) for name, values in arrays.items() if name.endswith(".words"))
    left_out = {layer.name: reason(layer) for layer in ticket.left_out.layers}
    return Written(f"{len(ticket.on_pes)} layers, {words} words", left_out)


FORMATS = {"wsp": Format((".npz",), write_wsp)}
