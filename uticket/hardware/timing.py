"""How a layer, or a network, runs on the array: what every timing model returns."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Timing:
    """Cycles and tokens for one image; the mean over the images if there are several.

    Of all PEs together work + swap + drain + idle = PEs * latency (`uticket.hardware.overhead`), and idle = starved +
    blocked + tail (`uticket.hardware.events`); in the analytic model all that is idle is tail.
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


@dataclass(frozen=True)
class LayerTiming:
    """How one layer runs, and the cycles of each PE by what it does, if the model knows them."""

    timing: Timing
    by_pe: dict[str, list[float]] = field(default_factory=dict)
