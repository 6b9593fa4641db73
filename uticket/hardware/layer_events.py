"""What one layer cost in the event model, summed up over images."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from uticket.hardware.cycles import group_utilization
from uticket.hardware.stretches import Stretches
from uticket.hardware.timing import Timing
from uticket.mapping.policies import Ints


@dataclass
class LayerEvents:
    """What one layer cost, summed over images. By PE: work + swap + drain + starved + blocked + tail = latency."""

    layer: str
    latency: NDArray[np.int64]  # (images, groups, tiles), cycles; as `Stretches.latency`
    work_by_group: Ints  # (groups,), PE-cycles of work
    work: Ints  # (pes,), cycles of work
    starved: Ints  # (pes,), waiting for the broadcaster, which was sending something else
    blocked: Ints  # (pes,), waiting for the broadcaster, which was waiting for room in the FIFO of another PE
    tail: Ints  # (pes,), waiting for the end of the tile, with nothing left to do
    swap: Ints  # (pes,), changing weights, or looking for them in bitmaps
    drain: Ints  # (pes,), emptying accumulators
    waited: int  # cycles that tokens (or channels) waited in FIFOs, summed
    occupancy_max: int  # the most of them in one FIFO at a time
    delivered_tokens: int  # tokens for which a PE of the group has a weight, counted for each group
    dropped_tokens: int  # tokens for which none has
    operations: int  # weights that met a spike
    pushes: int  # tokens put into FIFOs: each once for every PE that wants it

    @classmethod
    def of_image(cls, layer: str, ran: Stretches, drains: Ints, drain: Ints, counts: Ints) -> "LayerEvents":
        """Return what one layer cost under one image.

        drains: cycles of emptying accumulators at the end of each stretch, of the shape of `ran.latency`. drain:
        (pes,), of each PE. counts: (4,), the last four fields.
        """
        delivered, dropped, operations, pushes = counts.tolist()
        return cls(
            layer=layer,
            latency=(ran.latency + drains)[np.newaxis],
            work_by_group=ran.work_by_group,
            work=ran.work[0],
            starved=ran.starved[0],
            blocked=ran.blocked[0],
            tail=ran.tail[0] + drains.sum() - drain,
            swap=ran.swap[0],
            drain=drain,
            waited=int(ran.waited.sum()),
            occupancy_max=int(ran.most_waiting.max()),
            delivered_tokens=delivered,
            dropped_tokens=dropped,
            operations=operations,
            pushes=pushes,
        )

    @classmethod
    def of_images(cls, images: Iterable["LayerEvents"]) -> "LayerEvents":
        """Return what one layer cost under all images together."""
        return reduce(cls._and, images)

    def _and(self, other: "LayerEvents") -> "LayerEvents":
        sums = {part.name: getattr(self, part.name) + getattr(other, part.name) for part in fields(self)}
        sums["latency"] = np.concatenate([self.latency, other.latency])
        sums["occupancy_max"] = max(self.occupancy_max, other.occupancy_max)
        return LayerEvents(**{**sums, "layer": self.layer})

    @property
    def images(self) -> int:
        """Images under which it ran."""
        return len(self.latency)

    @property
    def latency_cycles(self) -> int:
        """Cycles of all groups and tiles."""
        return int(self.latency.sum())

    @property
    def work_cycles(self) -> int:
        """PE-cycles of work."""
        return int(self.work.sum())

    @property
    def idle_cycles(self) -> int:
        """PE-cycles of waiting."""
        return int((self.starved + self.blocked + self.tail).sum())

    @property
    def busy_share(self) -> float:
        """Work / (PEs * latency), in [0, 1]; 1 if nothing took any time."""
        return self.work_cycles / (len(self.work) * self.latency_cycles) if self.latency_cycles else 1.0

    @property
    def utilization(self) -> float:
        """Eq. 2 with the latency of a group as that of its busiest PE, in [0, 1]; mean over groups with work.

        Where the PEs wait so long for the broadcaster that one PE could have done all the work, it is 0.
        """
        pes, with_work = len(self.work), self.work_by_group > 0
        latency: Ints = self.latency.sum(axis=(0, 2))
        by_group = group_utilization(latency[with_work], self.work_by_group[with_work], pes)
        return float(np.maximum(by_group, 0).mean()) if with_work.any() else 1.0

    @property
    def occupancy_mean(self) -> float:
        """Tokens (or channels) in a FIFO, mean over time and PEs."""
        return self.waited / (len(self.work) * self.latency_cycles) if self.latency_cycles else 0.0

    def timing(self) -> Timing:
        """Return how the layer ran, by image."""
        images = self.images
        return Timing(
            utilization=self.utilization,
            busy_share=self.busy_share,
            work_cycles=self.work_cycles / images,
            idle_cycles=self.idle_cycles / images,
            latency_cycles=self.latency_cycles / images,
            starved_cycles=float(self.starved.sum()) / images,
            blocked_cycles=float(self.blocked.sum()) / images,
            tail_cycles=float(self.tail.sum()) / images,
            fifo_mean=self.occupancy_mean,
            fifo_max=self.occupancy_max,
            tokens=self.delivered_tokens / images,
            dropped_tokens=self.dropped_tokens / images,
            operations=self.operations / images,
            fifo_pushes=self.pushes / images,
            swap_cycles=float(self.swap.sum()) / images,
            drain_cycles=float(self.drain.sum()) / images,
        )

    def by_pe(self) -> dict[str, list[float]]:
        """Return the cycles of each PE for one image, by what it does."""
        names = ("work", "starved", "blocked", "tail", "swap", "drain")
        return {f"{name}_cycles": (getattr(self, name) / self.images).tolist() for name in names}
