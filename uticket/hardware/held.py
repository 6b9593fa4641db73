"""What the array holds of a ticket: its layers on the PEs, with masks of the weights that are not zero on the chip."""

from dataclasses import dataclass
from functools import cached_property

from uticket.arrays import Weights, load_weights
from uticket.hardware.quantize import stored_mask
from uticket.layers import Layer, read_layers
from uticket.mask import Mask
from uticket.names import Quantizer
from uticket.paths import TicketFiles


@dataclass(frozen=True)
class HeldTicket:
    """A ticket in its folder, read when it is needed."""

    files: TicketFiles

    @cached_property
    def _description(self) -> tuple[list[Layer], int]:
        return read_layers(self.files.layers)

    @property
    def layers(self) -> list[Layer]:
        """The layers that run on the PEs."""
        return [layer for layer in self._description[0] if layer.on_pes]

    @property
    def timesteps(self) -> int:
        """Timesteps of the network."""
        return self._description[1]

    @cached_property
    def mask(self) -> Mask:
        """The mask of these layers."""
        return Mask.load(self.files.mask, [layer.name for layer in self.layers])

    @cached_property
    def weights(self) -> Weights:
        """The trained weights of these layers."""
        return load_weights(self.files.weights, [layer.name for layer in self.layers])

    def stored(self, bits: int | None, quantizer: Quantizer) -> Mask:
        """Return which weights the chip holds, rounded to `bits` (None: as trained)."""
        return self.mask if bits is None else stored_mask(self.mask, self.weights, bits, quantizer)
