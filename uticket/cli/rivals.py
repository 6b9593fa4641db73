"""`uticket rivals`: a ticket on the array and on published accelerators."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from uticket.base.progress import underway
from uticket.cli.hardware import read_with_spikes
from uticket.cli.options import json_option, options_of, settings_of
from uticket.config.array import Array, Broadcast

if TYPE_CHECKING:
    from uticket.rivals.compare import Comparison, Cycles
    from uticket.ticket.ticket import Ticket


@click.command()
@click.argument("folder", metavar="TICKET_DIR", type=click.Path(path_type=Path))
@options_of(Array, "array")
@options_of(Broadcast, "broadcast", width="broadcast_width")
@json_option
def rivals(folder: Path, array: Array, broadcast: Broadcast, as_json: bool) -> None:
    """Run a ticket on published accelerators too, with as many adders as PEs: cycles by layer, for one image.

    TICKET_DIR has mask.safetensors (or .npz), layers.json and activity.npz. The columns events and analytic are the
    array's own; a ratio above 1 means that the rival takes longer.
    """
    from uticket.rivals.compare import compare_rivals

    with underway(f"comparing rivals on {folder}"):
        ticket = read_with_spikes(folder, array)
        found = compare_rivals(ticket, array, broadcast)
    if as_json:
        settings = {**settings_of(array), "broadcast": settings_of(broadcast)}
        click.echo(json.dumps({**settings, **as_record(ticket, found)}, indent=1))
    else:
        click.echo(as_text(found))


def as_record(ticket: "Ticket", found: "Comparison") -> dict[str, Any]:
    """Return a comparison as JSON has it."""
    from uticket.config.tables import RIVALS

    described = ("title", "source", "adders", "skips", "leaves_out")
    return {
        "timesteps": ticket.timesteps,
        "images": ticket.num_images,
        "rivals": {name: {key: getattr(rival, key) for key in described} for name, rival in RIVALS.items()},
        "layers": [_cycles(layer) for layer in found.layers],
        "network": _cycles(found.network),
        "left_out": found.left_out.record(),
    }


def _cycles(cycles: "Cycles") -> dict[str, Any]:
    ratios = {f"ratio_to_{model}": cycles.ratios(model) for model in ("events", "analytic")}
    return {
        "name": cycles.name,
        "events": cycles.events,
        "analytic": cycles.analytic,
        "rivals": cycles.rivals,
        **ratios,
    }


def as_text(found: "Comparison") -> str:
    """Return a table of the cycles by layer, one of the rivals, and what their counts leave out."""
    from uticket.base.text import plain_table
    from uticket.config.tables import RIVALS
    from uticket.rivals.compare import summary

    rows = [{"name": cycles.name, **cycles.columns()} for cycles in (*found.layers, found.network)]
    omitted = [f"{rival.title} leaves out: {rival.leaves_out}" for rival in RIVALS.values()]
    left_out = [str(found.left_out), ""] if found.left_out.layers else []
    return "\n".join([plain_table(rows), "", *left_out, plain_table(summary(found.network)), "", *omitted])
