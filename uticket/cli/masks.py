"""`uticket audit` and `uticket balance`: anybody's masks."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from uticket.base.errors import InputError
from uticket.base.files import is_folder
from uticket.base.progress import underway
from uticket.cli.options import (
    SIMULATED,
    Setting,
    first_option,
    force_option,
    free_to_write,
    json_option,
    linear_option,
    options_of,
    settings_of,
    show,
)
from uticket.config.array import Array
from uticket.config.block import NotNegative, Seed, Timesteps
from uticket.config.pruning import Balance

if TYPE_CHECKING:
    from uticket.ticket.layouts import Layout
    from uticket.ticket.reading import Reading
    from uticket.ticket.ticket import Ticket

ONE_TIMESTEP = "cycles are those of one timestep (--timesteps)"
MOST_NOTES = 5  # in text; JSON has all
WEIGHTS = ("weight_bits", "quantizer")  # settings that balancing does not look at


def parse_positions(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """Read NAME=Q pairs."""
    pairs = {}
    for value in values:
        name, _equals, count = value.rpartition("=")
        if not name or not re.fullmatch(r"[1-9][0-9]{0,8}", count):
            raise InputError(f"--positions: expected NAME=Q with Q from 1 to 999999999, got {value[:80]!r}")
        pairs[name] = int(count)
    return pairs


def parse_layouts(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read LAYOUT, of all arrays, and NAME=LAYOUT pairs; the name "" stands for all."""
    pairs = (value.rpartition("=") for value in values)
    return {name: layout for name, _equals, layout in pairs}


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let errors about what was read say where it stands."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


layers_option = click.option("--layers", type=click.Path(path_type=Path), help="A layers.json with shapes for FILE.")
positions_option = click.option(
    "--positions", multiple=True, callback=parse_positions, help="NAME=Q: output positions of a layer."
)
layout_option = click.option(
    "--layout",
    "layouts",
    multiple=True,
    callback=parse_layouts,
    help="oihw, hwio (Keras, Flax) or iohw (transposed convolutions): order of the axes in FILE; or NAME=LAYOUT.",
)
threshold_option = click.option(
    "--threshold",
    type=Setting(NotNegative),
    default=0,
    show_default=True,
    help="Weights of FILE of at most this magnitude count as pruned.",
)


@click.command()
@click.argument("path", metavar="FILE|TICKET_DIR", type=click.Path(path_type=Path))
@options_of(Array, "array", leave_out=SIMULATED)
@click.option("--timesteps", type=Setting(Timesteps), help="Default: those of layers.json or of NIR, else 1.")
@layers_option
@positions_option
@layout_option
@threshold_option
@linear_option
@first_option
@json_option
def audit(
    path: Path,
    array: Array,
    timesteps: int | None,
    layers: Path | None,
    positions: dict[str, int],
    layouts: "dict[str, Layout]",
    threshold: float,
    linear: bool,
    skip_first: bool,
    as_json: bool,
) -> None:
    """Say how busy the PEs would be with the masks or weights of FILE, or with a ticket.

    FILE is of PyTorch, numpy, safetensors, NIR or ONNX; nonzero means kept. What was skipped is listed. One output
    position is assumed of a layer that neither layers.json nor --positions describes.
    """
    from uticket.capturing.captured import read_findings
    from uticket.hardware.audit import audit as audit_ticket
    from uticket.hardware.neurobench import neurobench

    with underway(f"auditing {path}"):
        ticket = read(path, array, linear, skip_first, layers=layers, layout=layouts, threshold=threshold)
        with naming(path):
            ticket = ticket.with_positions(positions)
            found = audit_ticket(ticket, array, timesteps)
    steps = timesteps or ticket.timesteps
    unsaid = timesteps is None and layers is None and not is_folder(path) and ticket.timesteps == 1
    notes = [*found.notes, *([ONE_TIMESTEP] if unsaid else ())]
    result = {**settings_of(array), "timesteps": steps, "skipped": ticket.reading.as_json(), "notes": notes}
    result |= {"layers": [n.columns() for n in found.layers], "network": found.network.columns()}
    result["neurobench"] = neurobench(replace(ticket, timesteps=steps), read_findings(path)).record()
    columns = ["name", "filters", "groups", "nonzeros", "sparsity", "utilization"]
    show(result, as_json, [*columns, "work_cycles", "idle_cycles", "latency_cycles"], found.left_out)
    if not as_json:
        show_reading(ticket.reading, notes)


def read(path: Path, array: Array, linear: bool, skip_first: bool, **how: Any) -> "Ticket":
    """Read a file or the folder of a ticket, with the layers on the PEs that the options say; how: of a file."""
    from uticket.ticket.ticket import Ticket

    wanted = linear or (array.layers == "all" and not is_folder(path))
    ticket = Ticket.read(path, linear=wanted, spikes=False, **how)
    return ticket.choose("all" if linear else array.layers, skip_first)


def show_reading(reading: "Reading", notes: Sequence[str]) -> None:
    """Print what was skipped, and the first few notes."""
    if reading.skipped:
        click.echo(f"skipped: {reading.summary()}")
    for note in notes[:MOST_NOTES]:
        click.echo(f"note: {note}")
    if len(notes) > MOST_NOTES:
        click.echo(f"note: {len(notes) - MOST_NOTES} more (--json)")


def add_overlaps(changes: dict[str, Any], consecutive: dict[str, Any]) -> None:
    """Add to the changes that alike teams make what consecutive teams would have kept."""
    for found, other in zip(
        [*changes["layers"], changes["network"]], [*consecutive["layers"], consecutive["network"]], strict=True
    ):
        found["overlap_consecutive"] = other["overlap"]


@click.command("balance")
@click.argument("path", metavar="FILE|TICKET_DIR", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@options_of(Array, "array", leave_out=[*SIMULATED, *WEIGHTS])
@options_of(Balance, "how")
@click.option("--seed", type=Setting(Seed), default=0, show_default=True, help="Of what is drawn.")
@layers_option
@positions_option
@layout_option
@threshold_option
@linear_option
@first_option
@force_option
@json_option
def balance_command(
    path: Path,
    out: Path,
    array: Array,
    how: Balance,
    seed: int,
    layers: Path | None,
    positions: dict[str, int],
    layouts: "dict[str, Layout]",
    threshold: float,
    linear: bool,
    skip_first: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write the balanced masks of FILE, or of a ticket, to OUT, and say what was added and removed.

    OUT is .npz, .safetensors, .pt or .pth, a 0/1 array for each layer, with its axes in the order of FILE.
    """
    from uticket.foreign.write import WRITE, write_arrays
    from uticket.hardware.audit import compare
    from uticket.pruning.balance import balance

    free_to_write(out, WRITE, force)
    with underway(f"balancing {path}"):
        ticket = read(path, array, linear, skip_first, layers=layers, layout=layouts, threshold=threshold)
        with naming(path):
            ticket = ticket.with_positions(positions)
            balanced = balance(ticket, array, how, seed)
            changes = compare(ticket, balanced, array)
            if how.team == "alike":
                consecutive = balance(ticket, array, how.model_copy(update={"team": "consecutive"}), seed)
                add_overlaps(changes, compare(ticket, consecutive, array))
        write_arrays(out, ticket.reading.as_in_file(balanced.mask))
    settings = {name: value for name, value in settings_of(array).items() if name not in WEIGHTS}
    columns = ["name", "nonzeros_before", "nonzeros_after", "added", "removed"]
    result = {"out": str(out), **settings, **settings_of(how), "seed": seed}
    result |= {"skipped": ticket.reading.as_json(), **changes}
    show(result, as_json, [*columns, "utilization_before", "utilization_after"], ticket.left_out)
    if not as_json:
        show_reading(ticket.reading, changes["notes"])
        click.echo(f"written: {out}")
