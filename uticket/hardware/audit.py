"""How busy the PEs would be with a mask, and what balancing it would take: `uticket audit` and `uticket balance`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from uticket.base.errors import InputError, shortened
from uticket.config.array import Array
from uticket.hardware.cycles import layer_cycles, mean_utilization
from uticket.hardware.positions import unknown_positions
from uticket.mapping.placed import Placed, place
from uticket.ticket.left_out import LeftOut
from uticket.ticket.ticket import Ticket

if TYPE_CHECKING:
    import pandas as pd


IMAGE_CHANNELS = (1, 3)  # grey, and red, green and blue; frames of event cameras have 2


@dataclass(frozen=True)
class Workload:
    """What a layer, or a network, asks of the PEs in the analytic model. Fractions lie in [0, 1]."""

    name: str
    positions: int  # outputs in one timestep, of each filter; of a network the sum over its layers
    filters: int
    weights: int  # kept or not
    nonzeros: int
    groups: int
    utilization: float  # Eq. 2; of a network the mean over layers with work, weighted by their weights
    utilization_ceil: float  # the published code's variant
    work_cycles: int
    idle_cycles: int
    latency_cycles: int

    @property
    def sparsity(self) -> float:
        """Share of the weights that are pruned."""
        return 1 - self.nonzeros / self.weights

    def columns(self) -> dict[str, Any]:
        """Return the numbers by the name of their column in a table."""
        return {**asdict(self), "sparsity": self.sparsity}


@dataclass(frozen=True)
class Audit:
    """How busy the PEs are with each layer of a ticket, and with all of them.

    notes: what the numbers rest on that is not known, a line each.
    """

    layers: tuple[Workload, ...]
    network: Workload
    left_out: LeftOut
    notes: tuple[str, ...] = ()

    @property
    def utilization(self) -> float:
        """Of the network."""
        return self.network.utilization

    def frame(self) -> "pd.DataFrame":
        """Return a row for each layer."""
        import pandas as pd  # imported here: takes a second

        return pd.DataFrame([workload.columns() for workload in self.layers]).rename(columns={"name": "layer"})


def audit(ticket: Ticket, array: Array | None = None, timesteps: int | None = None) -> Audit:
    """Run the analytic model on a ticket; cycles are counted as in `uticket.hardware.cycles`.

    array: by default 16 PEs. timesteps: None takes those of the ticket. Raises InputError if no layer runs on the PEs.
    """
    array = array or Array()
    ticket = ticket.on_array(array)
    steps, on_array = ticket.timesteps if timesteps is None else timesteps, place(ticket, array)
    layers = tuple(_workload(placed, steps) for placed in on_array)
    if not layers:
        what = "layer" if array.layers == "all" else "convolution"
        but = f" (skipped: {ticket.reading.summary()})" if ticket.skipped else ""
        raise InputError(f"layers: expected a {what} that reads spikes, got none{but}")
    notes = (*unknown_positions(on_array, array), *_perhaps_an_image(ticket), *ticket.notes)
    return Audit(layers, _total(layers), ticket.left_out, notes)


def compare(before: Ticket, after: Ticket, array: Array | None = None) -> dict[str, Any]:
    """Return by layer and in total how many weights balancing added and removed, and the utilization before and after.

    The result has `notes` on what the numbers rest on, `layers`, a dictionary each, and `network`. overlap: share of
    the weights before balancing that are still kept after it, in [0, 1].
    """
    array, layers = array or Array(), []
    was, now = audit(before, array), audit(after, array)
    for old, new in zip(was.layers, now.layers, strict=True):
        kept, keeps = before.mask[old.name], after.mask[old.name]
        added, removed = int(np.count_nonzero(keeps & ~kept)), int(np.count_nonzero(kept & ~keeps))
        layers.append({"name": old.name, **_change(old, new, added, removed)})
    added, removed = (sum(layer[key] for layer in layers) for key in ("added", "removed"))
    network = {"name": "network", **_change(was.network, now.network, added, removed)}
    on_array = before.on_array(array)
    positions = unknown_positions(place(on_array, array), array, cycles=False)
    notes = [*positions, *_perhaps_an_image(on_array), *before.notes]
    return {"notes": notes, "layers": layers, "network": network}


def _perhaps_an_image(ticket: Ticket) -> tuple[str, ...]:
    """Return a note if the first convolution runs, has as many channels as images, and nothing says what it reads."""
    first = next((layer for layer in ticket.layers if layer.kind == "conv"), None)
    if first is None or first not in ticket.on_pes or first.name not in ticket.reading.undescribed:
        return ()
    if first.channels not in IMAGE_CHANNELS:
        return ()
    channels = f"as many channels as images have ({first.channels})"
    return (f"{shortened(first.name)} counts as reading spikes, but has {channels}; --skip-first leaves it out",)


def _workload(placed: Placed, timesteps: int) -> Workload:
    layer, cycles = placed.layer, layer_cycles(placed, timesteps)
    return Workload(
        name=layer.name,
        positions=layer.positions,
        filters=layer.filters,
        weights=layer.num_weights,
        nonzeros=int(placed.nonzeros.sum()),
        groups=placed.num_groups,
        **asdict(cycles),
    )


def _total(layers: Sequence[Workload]) -> Workload:
    summed = ("positions", "filters", "weights", "nonzeros", "groups", "work_cycles", "idle_cycles", "latency_cycles")
    return Workload(
        name="network",
        **{name: sum(getattr(layer, name) for layer in layers) for name in summed},
        utilization=mean_utilization([(n.weights, n.nonzeros, n.utilization) for n in layers]),
        utilization_ceil=mean_utilization([(n.weights, n.nonzeros, n.utilization_ceil) for n in layers]),
    )


def _change(was: Workload, now: Workload, added: int, removed: int) -> dict[str, Any]:
    return {
        "nonzeros_before": was.nonzeros,
        "nonzeros_after": now.nonzeros,
        "utilization_before": was.utilization,
        "utilization_after": now.utilization,
        "added": added,
        "removed": removed,
        "overlap": 1 - removed / was.nonzeros if was.nonzeros else 1.0,
    }
