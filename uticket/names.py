"""The words by which params and commands choose, and their limits; the code that they choose is elsewhere."""

from typing import Literal, get_args

Dataflow = Literal["filters", "input-channels"]  # uticket.mapping
Policy = Literal["contiguous", "sorted", "paired"]  # uticket.mapping
SparePes = Literal["split_outputs", "idle"]  # uticket.hardware.cycles
Scope = Literal["group", "layer"]  # uticket.ticket.balance
Mode = Literal["both", "recover", "remove"]  # uticket.ticket.balance
Select = Literal["random", "magnitude"]  # uticket.ticket.select
Granularity = Literal["token", "channel", "tile"]  # uticket.hardware.events
TokenCost = Literal["timesteps", "spikes", "one"]  # uticket.hardware.tokens
CostModel = Literal["analytic", "events"]  # uticket.hardware.analytic, uticket.hardware.events
Quantizer = Literal["plain", "keep_mask"]  # uticket.hardware.quantize
QUANTIZERS: tuple[Quantizer, ...] = get_args(Quantizer)

EventsOn = Literal["last", "all"]  # stages.simulate

MOST_PES = 65536  # more than any chip has; a larger number is a mistake
