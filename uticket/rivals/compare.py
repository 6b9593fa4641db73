"""A ticket on the array and on its rivals: the same mask, the same spikes, the same number of adders."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from uticket.base.files import Row
from uticket.config.array import Array, Broadcast
from uticket.config.tables import RIVALS
from uticket.hardware.simulation import simulate
from uticket.mapping.placed import held
from uticket.rivals.lowered import Bools, products_of
from uticket.ticket.layer import Layer
from uticket.ticket.left_out import LeftOut
from uticket.ticket.ticket import Ticket

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Cycles:
    """Cycles of a layer, or a network, for one image; the mean over the images if there are several."""

    name: str
    events: float  # of the array, by the event model
    analytic: float  # of the array, by the analytic model
    rivals: dict[str, float]  # rival -> cycles

    def ratios(self, to: str = "events") -> dict[str, float | None]:
        """Return how many times the cycles in the column `to` each rival takes; None if these are 0."""
        ours = self.columns()[to]
        return {name: cycles / ours if ours else None for name, cycles in self.rivals.items()}

    def columns(self) -> dict[str, float]:
        """Return the cycles by the name of their column in a table."""
        return {"events": self.events, "analytic": self.analytic, **self.rivals}


@dataclass(frozen=True)
class Comparison:
    """Cycles of a ticket on the array and on its rivals."""

    layers: tuple[Cycles, ...]  # of the layers on the PEs, in order
    network: Cycles  # the sums
    left_out: LeftOut

    def frame(self) -> "pd.DataFrame":
        """Return a row for each layer."""
        import pandas as pd  # imported here: takes a second

        return pd.DataFrame([{"layer": cycles.name, **cycles.columns()} for cycles in self.layers])


def compare_rivals(ticket: Ticket, array: Array | None = None, broadcast: Broadcast | None = None) -> Comparison:
    """Run all layers of a ticket that run on the PEs, on the array by both models and on each rival.

    array, broadcast: by default 16 PEs, FIFOs of 64 tokens. Rivals have as many adders as the array has PEs, and the
    weights that the array holds (rounded to `array.weight_bits`).
    Raises InputError, naming the layer, if spikes are missing, or weights to round, or if no layer runs on the PEs.
    """
    array = array or Array()
    ticket = ticket.on_array(array)
    events, analytic = (simulate(ticket, array, broadcast, model=model) for model in ("events", "analytic"))
    masks, spikes, layers = held(ticket, array), ticket.spikes or {}, []
    for layer, by_events, by_busiest in zip(ticket.on_pes, events.layers, analytic.layers, strict=True):
        found = rival_cycles(layer, masks[layer.name], spikes[layer.name], array.pes)
        layers.append(Cycles(layer.name, by_events.latency_cycles, by_busiest.latency_cycles, found))
    return Comparison(tuple(layers), network_cycles(layers), ticket.left_out)


def rival_cycles(layer: Layer, mask: Bools, spikes: NDArray[Any], pes: int) -> dict[str, float]:
    """Return the cycles of each rival at one layer; spikes: (images, T, channels, height, width)."""
    products = [one for image in spikes for one in products_of(layer, image, mask)]
    return {name: sum(rival.cycles(n, pes) for n in products) / len(spikes) for name, rival in RIVALS.items()}


def network_cycles(layers: Sequence[Cycles]) -> Cycles:
    """Return the sums over the layers."""
    sums = {name: sum(layer.rivals[name] for layer in layers) for name in RIVALS}
    return Cycles("network", sum(n.events for n in layers), sum(n.analytic for n in layers), sums)


def summary(network: Cycles) -> list[Row]:
    """Return a row for each rival, as tables show it: what it skips, its cycles, and how many times ours they are."""
    by_events, by_busiest = network.ratios("events"), network.ratios("analytic")
    return [
        {
            "rival": rival.title,
            "skips": ", ".join(rival.skips) or "nothing",
            "cycles": network.rivals[name],
            "times events": _times(by_events[name]),
            "times analytic": _times(by_busiest[name]),
        }
        for name, rival in RIVALS.items()
    ]


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
