"""`uticket capture`: anybody's network."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from uticket.base.errors import InputError, one_line
from uticket.base.files import written_together
from uticket.base.progress import underway
from uticket.cli.options import Setting, json_option, show
from uticket.config.block import Timesteps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from uticket.capturing.captured import Captured


@click.command()
@click.argument("target", metavar="MODULE:FUNCTION")
@click.argument("out", metavar="OUT_DIR", type=click.Path(path_type=Path))
@click.option("--inputs", type=click.Path(path_type=Path), required=True, help="An .npy array: what the network takes.")
@click.option("--weights", type=click.Path(path_type=Path), help="A checkpoint; nothing in it is run.")
@click.option("--timesteps", type=Setting(Timesteps), help="T; default: as the network runs it.")
@click.option("--batch-first/--time-first", default=None, help="Which of images and timesteps is the outer axis.")
@json_option
def capture(
    target: str,
    out: Path,
    inputs: Path,
    weights: Path | None,
    timesteps: int | None,
    batch_first: bool | None,
    as_json: bool,
) -> None:
    """Run a PyTorch network, and write it with the spikes that arrive at its layers as a ticket into OUT_DIR.

    MODULE:FUNCTION, such as my_package.my_module:build, is looked for in the current folder too; it returns the
    network and is called without arguments. `uticket simulate OUT_DIR` reads the ticket.
    """
    if os.path.lexists(out):
        raise InputError(f"{out}: expected no such folder, got one; remove it, or name another")
    values = read_inputs(inputs)
    with underway(f"running {target}"):
        from uticket.capturing.build import build  # imported here: torch takes seconds, which no check above needs
        from uticket.capturing.capture import capture as capture_model

        model = build(target, weights)
        try:
            ticket = capture_model(model, values, timesteps, batch_first=batch_first)
        except InputError:
            raise
        except Exception as error:  # whatever the user's code raises
            raise InputError(f"{target}: expected a network that takes {inputs}, got: {one_line(error)}") from None
    with written_together(out) as part:
        ticket.write(part)
    found = {name: value for name, value in vars(ticket.findings).items() if name != "nonzeros"}
    rows = [row_of(ticket, n) for n in range(len(ticket.layers))]
    mask = ticket.mask
    network = {"name": "network", "weights": mask.num_weights, "sparsity": mask.sparsity}
    result = {"out": str(out), "timesteps": ticket.timesteps, **found, "layers": rows}
    result["network"] = {**dict.fromkeys(rows[0], ""), **network}
    show(result, as_json, list(rows[0]), ticket.left_out)
    if not as_json:
        for line in [*ticket.findings.lines(), f"written: {out}", f"next: uticket simulate {out}"]:
            click.echo(line)


def row_of(ticket: "Captured", number: int) -> dict[str, Any]:
    """Return what the table says of a layer."""
    layer = ticket.layers[number]
    mask, spikes = ticket.mask[layer.name], (ticket.spikes or {}).get(layer.name)
    row: dict[str, Any] = {"name": layer.name, "kind": layer.kind, "reads": layer.reads, "adds_to": layer.adds_to or ""}
    row |= {"weights": mask.size, "sparsity": 1 - float(mask.mean())}
    return row | {"spike_sparsity": "" if spikes is None else 1 - float((spikes != 0).mean())}


def read_inputs(path: Path) -> "NDArray[Any]":
    """Read an .npy file. Raises InputError, naming it, if it is not an array of finite numbers."""
    import numpy as np

    from uticket.base.npz import load_npy

    values = load_npy(path, "an .npy array")
    if values.dtype.kind not in "biuf" or not values.size:
        raise InputError(f"{path}: expected an .npy array of numbers, got another")
    if not np.isfinite(values).all():
        raise InputError(f"{path}: expected finite numbers, got NaN or infinity")
    return values
