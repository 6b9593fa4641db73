"""What a ticket costs at one setting of the array."""

from typing import Any

from uticket.config.space import Point
from uticket.hardware.audit import audit
from uticket.hardware.chip import Chip
from uticket.hardware.simulation import simulate
from uticket.ticket.ticket import Ticket

OBJECTIVES = ("latency_us", "total_pj", "area_um2")  # all of them to be small


def run_point(ticket: Ticket, point: Point, chip: Chip, model: str) -> dict[str, Any]:
    """Audit and simulate a ticket; return the numbers by the name of their column.

    Beside those of `Cost.columns`: latency_us, by the clock of the chip. area_um2, of the PEs with their FIFOs and the
    on-chip memories; inf with FIFOs without a limit. audit_utilization and audit_latency_cycles, of the analytic model.
    Raises InputError as `simulate` does.
    """
    found = simulate(ticket, point.array, point.broadcast, chip, model=model)
    audited = audit(ticket, point.array).network
    memories = chip.memories.weights.area.value + chip.memories.spikes.area.value
    return {
        "latency_us": found.network.latency_cycles / chip.clock.value,  # cycles / MHz
        "area_um2": point.array.pes * found.pe_area_um2 + memories,
        "pe_area_um2": found.pe_area_um2,
        "audit_utilization": audited.utilization,
        "audit_latency_cycles": audited.latency_cycles,
        **found.network.columns(),
    }
