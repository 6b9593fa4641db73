"""Which layers of a ticket do not run on the PEs, why, and what share of the weights they hold."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from uticket.base.errors import listed
from uticket.ticket.layer import Layer


@dataclass(frozen=True)
class LeftOut:
    """The layers that do not run on the PEs."""

    layers: tuple[Layer, ...]
    weights_share: float  # of all weights, kept or not, in [0, 1]

    @classmethod
    def of(cls, layers: Sequence[Layer], on_pes: Collection[str]) -> "LeftOut":
        """Return those of `layers` whose names are not in `on_pes`."""
        left = tuple(layer for layer in layers if layer.name not in on_pes)
        weights, of_all = (sum(layer.num_weights for layer in some) for some in (left, layers))
        return cls(left, weights / of_all if of_all else 0.0)

    @property
    def by_reason(self) -> dict[str, list[str]]:
        """Why layers are left out -> their names."""
        found: dict[str, list[str]] = {}
        for layer in self.layers:
            found.setdefault(reason(layer), []).append(layer.name)
        return found

    def columns(self) -> dict[str, Any]:
        """Return what tables have: the names by reason as text, empty without any, and the share of the weights."""
        text = "; ".join(f"{why}: {' '.join(names)}" for why, names in self.by_reason.items())
        return {"left_out": text, "left_out_share": self.weights_share}

    def record(self) -> dict[str, Any]:
        """Return the same as JSON has it, layer by layer."""
        layers = [{"name": n.name, "why": reason(n), "weights": n.num_weights} for n in self.layers]
        return {"layers": layers, "weights_share": self.weights_share}

    def __str__(self) -> str:
        """Return a line for people."""
        if not self.layers:
            return "no layer is left out"
        parts = [f"{why}: {listed(names)}" for why, names in self.by_reason.items()]
        return f"left out: {'; '.join(parts)}; {100 * self.weights_share:.1f} % of the weights"


def reason(layer: Layer) -> str:
    """Return why a layer does not run, if it does not."""
    if not layer.reads_spikes:
        return "reads the image" if layer.reads == "image" else "reads analog values"
    return "linear" if layer.kind == "linear" else "not chosen"
