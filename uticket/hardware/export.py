"""The compressed weights of a network as arrays, for an RTL test bench."""

from collections.abc import Mapping as Named
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.files import Weights
from uticket.config.names import Quantizer
from uticket.hardware.storage import Packed, pack
from uticket.mapping.mapping import Array, map_layers
from uticket.ticket.layer import Layer
from uticket.ticket.mask import Mask
from uticket.ticket.quantize import quantize, stored_mask


def to_wsp(
    layers: Sequence[Layer], mask: Mask, weights: Weights, array: Array, bits: int, quantizer: Quantizer
) -> dict[str, NDArray[Any]]:
    """Return the streams of all PEs, by NAME.FIELD: the fields of `Packed`, and the step of each layer.

    Weights are rounded to `bits` (2 to 16): weight = word * step. Those that become zero are not stored, and filters
    are put on the PEs by what is stored.
    """
    known = Mask({layer.name: mask[layer.name] for layer in layers})
    stored = stored_mask(known, weights, bits, quantizer)
    arrays: dict[str, NDArray[Any]] = {}
    for name, mapping in map_layers(layers, stored, array).items():
        levels, step = quantize(weights[name], mask[name], bits, quantizer)
        packed = pack(levels, mapping)
        arrays |= {f"{name}.{field.name}": np.asarray(getattr(packed, field.name)) for field in fields(Packed)}
        arrays[f"{name}.step"] = np.array(step)
    return arrays


def from_wsp(arrays: Named[str, NDArray[Any]], name: str) -> Packed:
    """Return the streams of one layer of what `to_wsp` made."""
    values: dict[str, Any] = {field.name: arrays[f"{name}.{field.name}"] for field in fields(Packed)}
    return Packed(**{**values, "shape": tuple(values["shape"].tolist())})
