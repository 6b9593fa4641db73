"""How a layer, or a network, runs on the array: what every timing model returns."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Timing:
    """Cycles and tokens for one image; the mean over the images if there are several.

    Of all PEs together work + swap + drain + idle + PEs * memory = PEs * latency (`uticket.hardware.overhead`), and
    idle = starved + blocked + tail (`uticket.hardware.events`); in the analytic model all that is idle is tail.
    """

    utilization: float  # Eq. 2, in [0, 1]
    busy_share: float  # work / (PEs * latency), in [0, 1]
    work_cycles: float
    idle_cycles: float
    latency_cycles: float
    starved_cycles: float
    blocked_cycles: float
    tail_cycles: float
    fifo_mean: float  # tokens (or channels) waiting at a PE, over time
    fifo_max: int
    tokens: float  # for which a PE of the group has a weight; in the analytic model all, padding and zeros too
    dropped_tokens: float  # for which none has
    operations: float  # weights that meet a spike
    fifo_pushes: float = 0.0  # tokens put into the FIFOs of PEs
    swap_cycles: float = 0.0  # in which PEs change weights, or look for them in bitmaps
    drain_cycles: float = 0.0  # in which PEs empty their accumulators
    memory_cycles: float = 0.0  # of the latency, in which all PEs wait for memories (`uticket.hardware.bandwidth`)


@dataclass(frozen=True)
class LayerTiming:
    """How one layer runs, and the cycles of each PE by what it does, if the model knows them."""

    timing: Timing
    cycles: NDArray[np.int64]  # (images, groups, tiles), of the PEs; 0 where a group has fewer tiles than others
    by_pe: dict[str, list[float]] = field(default_factory=dict)

    def waiting(self, memory_cycles: float, pes: int) -> "LayerTiming":
        """Return the same with that many cycles more, in which all of the PEs wait for memories."""
        latency = self.timing.latency_cycles + memory_cycles
        busy = self.timing.work_cycles / (pes * latency) if latency else 1.0
        longer = replace(self.timing, latency_cycles=latency, busy_share=busy, memory_cycles=memory_cycles)
        by_pe = self.by_pe and {**self.by_pe, "memory_cycles": [memory_cycles] * pes}
        return LayerTiming(longer, self.cycles, by_pe)
