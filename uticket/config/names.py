"""The words by which params and commands choose, and their limits; the code that they choose is elsewhere."""

from typing import Literal, get_args

Dataflow = Literal["filters", "input-channels"]  # uticket.mapping.mapping
Policy = Literal["contiguous", "sorted", "paired"]  # uticket.mapping.mapping
SparePes = Literal["split_outputs", "idle"]  # uticket.hardware.cycles
Scope = Literal["group", "layer"]  # uticket.prune.balance
Mode = Literal["both", "recover", "remove"]  # uticket.prune.balance
Select = Literal["random", "magnitude"]  # uticket.prune.select
Granularity = Literal["token", "channel", "tile"]  # uticket.hardware.events
TokenCost = Literal["timesteps", "spikes", "one"]  # uticket.hardware.tokens
CostModel = Literal["analytic", "events"]  # uticket.hardware.analytic, uticket.hardware.events
Quantizer = Literal["plain", "keep_mask"]  # uticket.ticket.quantize
QUANTIZERS: tuple[Quantizer, ...] = get_args(Quantizer)

EventsOn = Literal["last", "all"]  # stages.simulate

MOST_PES = 65536  # more than any chip has; a larger number is a mistake
