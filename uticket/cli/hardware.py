"""`uticket simulate`: a ticket on the array."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from uticket.base.errors import InputError
from uticket.base.progress import underway
from uticket.base.text import in_json
from uticket.cli.options import (
    Word,
    json_option,
    options_of,
    settings_of,
    show,
)
from uticket.config.array import Array, Broadcast, Energy
from uticket.config.paths import TicketFiles
from uticket.config.tables import MODELS

if TYPE_CHECKING:
    from uticket.hardware.cost import Cost
    from uticket.ticket.ticket import Ticket

TOTAL = "total_pj"


@click.command("simulate")
@click.argument("folder", metavar="TICKET_DIR", type=click.Path(path_type=Path))
@options_of(Array, "array")
@click.option("--model", type=Word(list(MODELS)), default="events", show_default=True, help="Timing model.")
@options_of(Broadcast, "broadcast", width="broadcast_width")
@options_of(Energy, "energy")
@click.option(
    "--chip", "chip_file", type=click.Path(path_type=Path), help="What the parts cost; default: uticket-32nm-lstp.yaml."
)
@json_option
def simulate_command(
    folder: Path,
    array: Array,
    model: str,
    broadcast: Broadcast,
    energy: Energy,
    chip_file: Path | None,
    as_json: bool,
) -> None:
    """Run a ticket on the array with the spikes that it keeps: cycles, tokens and energy by layer, for one image.

    TICKET_DIR has mask.safetensors (or .npz), layers.json and activity.npz. Models: events (PEs wait for the broadcast
    of spikes) and analytic (for the busiest PE only).
    """
    from uticket.capturing.captured import read_findings
    from uticket.hardware.chip import DEFAULT_CHIP, Chip
    from uticket.hardware.neurobench import neurobench
    from uticket.hardware.simulation import simulate

    chip = Chip.read(chip_file or DEFAULT_CHIP)
    with underway(f"simulating {folder}"):
        ticket = read_with_spikes(folder, array)
        found = simulate(ticket, array, broadcast, chip, energy, model)
    settings = {"model": model, **settings_of(array), "broadcast": settings_of(broadcast)}
    numbers = {"timesteps": ticket.timesteps, "images": ticket.num_images}
    result = {**settings, **settings_of(energy), **numbers}
    area = {"pe_area_um2": chip.pe_area_um2, "fifo_area_um2": in_json(found.pe_area_um2 - chip.pe_area_um2)}
    result["chip"] = {"name": chip.name, "leakage_ratio": chip.leakage_ratio, **area}
    result |= {"layers": [record(cost) for cost in found.layers], "network": record(found.network)}
    result |= {"notes": list(ticket.notes), "neurobench": neurobench(ticket, read_findings(folder)).record()}
    columns = ["name", "utilization", "busy_share", "work_cycles", "starved_cycles", "blocked_cycles", "tail_cycles"]
    columns += [name for name in ("swap_cycles", "drain_cycles", "memory_cycles") if getattr(found.network, name)]
    columns += ["latency_cycles", "tokens", "dropped_tokens", TOTAL, "bound"]
    show(result, as_json, columns, found.left_out)
    for note in () if as_json else ticket.notes:
        click.echo(f"note: {note}")


def record(cost: "Cost") -> dict[str, Any]:
    """Return what a layer or the network costs, as JSON has it."""
    names = ("name", "filters", "weights", "nonzeros", "groups", "energy")
    nested = {"energy_pj": cost.energy_pj | {"total": cost.total_pj}, "accesses": cost.accesses, **cost.needed_cycles}
    by_pe = {"by_pe": cost.by_pe} if cost.by_pe else {}
    return {
        **{name: getattr(cost, name) for name in names},
        **cost.timing(),
        **nested,
        **by_pe,
        **cost.words(),
        TOTAL: cost.total_pj,
    }


def read_ticket(folder: Path) -> "Ticket":
    """Read the folder of a ticket. Raises InputError if it is none."""
    from uticket.ticket.ticket import Ticket

    if not os.path.isdir(folder):  # noqa: PTH112, unlike Path.is_dir it never raises
        got = "a file" if os.path.lexists(folder) else "none"
        raise InputError(f"{folder}: expected the folder of a ticket, got {got}")
    return Ticket.read(folder)


def read_folder(folder: Path, array: Array) -> "Ticket":
    """Read the folder of a ticket for an array. Raises InputError if it is none, or no layer of it runs there."""
    ticket = read_ticket(folder).on_array(array)
    if not ticket.on_pes:
        what = "layer" if array.layers == "all" else "convolution"
        raise InputError(f"{TicketFiles(folder).layers}: expected a {what} that reads spikes, got none")
    return ticket


def read_with_spikes(folder: Path, array: Array) -> "Ticket":
    """Read the folder of a ticket; raises InputError as `read_folder` does, and if it has no spikes."""
    return check_spikes(folder, read_folder(folder, array))


def check_spikes(folder: Path, ticket: "Ticket") -> "Ticket":
    """Return a ticket that was read from `folder`. Raises InputError if it has no spikes."""
    if ticket.spikes is None:
        raise InputError(f"{TicketFiles(folder).spikes}: expected the spikes of the ticket, got no file")
    return ticket
