"""What the array holds of a ticket: its layers on the PEs, with masks of the weights that are not zero on the chip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uticket.base.errors import InputError
from uticket.base.files import Weights, load_weights
from uticket.config.names import Quantizer
from uticket.config.paths import TicketFiles
from uticket.ticket.layer import Layer, read_layers
from uticket.ticket.mask import Mask
from uticket.ticket.quantize import stored_mask


@dataclass(frozen=True)
class HeldTicket:
    """A ticket in its folder, read when it is needed."""

    files: TicketFiles

    @cached_property
    def _description(self) -> tuple[list[Layer], int]:
        return read_layers(self.files.layers)

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers that run on the PEs. Raises InputError if there are none."""
        layers = [layer for layer in self._description[0] if layer.on_pes]
        if not layers:
            raise InputError(f"{self.files.layers}: expected a convolution that reads spikes, came none")
        return layers

    @property
    def timesteps(self) -> int:
        """Timesteps of the network."""
        return self._description[1]

    @cached_property
    def mask(self) -> Mask:
        """The mask of these layers."""
        mask = Mask.load(self.files.mask, [layer.name for layer in self.layers])
        _check_shapes(self.files.mask, mask, self.layers)
        return mask

    @cached_property
    def weights(self) -> Weights:
        """The trained weights of these layers."""
        weights = load_weights(self.files.weights, [layer.name for layer in self.layers])
        _check_shapes(self.files.weights, weights, self.layers)
        for name, values in weights.items():
            if not np.isfinite(values).all():
                raise InputError(f"{self.files.weights}: expected finite weights in {name!r}, came NaN or infinity")
        return weights

    def stored(self, bits: int | None, quantizer: Quantizer) -> Mask:
        """Return which weights the chip holds, rounded to `bits` (None: as trained)."""
        return self.mask if bits is None else stored_mask(self.mask, self.weights, bits, quantizer)


def _check_shapes(path: Path, arrays: Mapping[str, NDArray[Any]], layers: Sequence[Layer]) -> None:
    for layer in layers:
        if arrays[layer.name].shape != layer.weight_shape:
            shapes = f"{layer.weight_shape}, came {arrays[layer.name].shape}"
            raise InputError(f"{path}: expected the layer {layer.name!r} of shape {shapes}")
