"""`uticket audit` and `uticket balance`: anybody's masks."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import click

from uticket.base.errors import InputError
from uticket.base.seeds import generator
from uticket.cli.options import array_options, choice, free_to_write, show, subject_options
from uticket.config.names import QUANTIZERS, Mode, Scope, Select
from uticket.hardware.audit import audit as audit_masks
from uticket.hardware.audit import compare
from uticket.mapping.mapping import Array
from uticket.ticket.foreign import WRITE, write_arrays
from uticket.ticket.subject import read_subject


def parse_positions(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """Read NAME=Q pairs."""
    pairs = {}
    for value in values:
        name, _equals, count = value.rpartition("=")
        if not name or not re.fullmatch(r"[1-9][0-9]{0,8}", count):
            raise InputError(f"--positions: expected NAME=Q with Q from 1 to 999999999, came {value[:80]!r}")
        pairs[name] = int(count)
    return pairs


@click.command()
@click.argument("path", metavar="FILE|TICKET_DIR", type=click.Path(path_type=Path))
@array_options
@subject_options
@click.option("--timesteps", type=click.IntRange(1), help="Default: those of layers.json, else 1.")
@click.option("--layers", "layers_file", type=click.Path(path_type=Path), help="A layers.json for FILE.")
@click.option("--positions", multiple=True, callback=parse_positions, help="NAME=Q: output positions of a layer.")
@click.option("--weight-bits", type=click.IntRange(2, 16), help="Round the weights to so many bits first.")
@click.option("--quantizer", type=click.Choice(QUANTIZERS), default="plain", show_default=True)
def audit(
    path: Path,
    array: Array,
    linear: bool,
    skip_first: bool,
    as_json: bool,
    timesteps: int | None,
    layers_file: Path | None,
    positions: dict[str, int],
    weight_bits: int | None,
    quantizer: Any,
) -> None:
    """Say how busy the PEs would be with the masks or weights of FILE, or with a ticket.

    FILE is .npz, .safetensors, .pt or .pth; nonzero means kept. Its 4-D arrays are convolutions. Output positions and
    timesteps are 1 where nothing tells.
    """
    subject = read_subject(path, linear, skip_first, layers_file, positions).rounded(weight_bits, quantizer)
    result = audit_masks(subject, array, timesteps)
    columns = ["name", "filters", "groups", "nonzeros", "sparsity", "utilization"]
    show(result, as_json, [*columns, "work_cycles", "idle_cycles", "latency_cycles"])


@click.command("balance")
@click.argument("path", metavar="FILE|TICKET_DIR", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@array_options
@subject_options
@choice("--scope", Scope, "group", "What ends equal: the PEs of each group, or all filters of a layer.")
@choice("--mode", Mode, "both", "To the mean, the maximum (recover) or the minimum (remove).")
@choice("--select", Select, "random", "Which weights are added and removed.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def balance_command(
    path: Path,
    out: Path,
    array: Array,
    linear: bool,
    skip_first: bool,
    as_json: bool,
    scope: Scope,
    mode: Mode,
    select: Select,
    seed: int,
    force: bool,
) -> None:
    """Write the balanced masks of FILE, or of a ticket, to OUT, and say what was added and removed.

    OUT is .npz, .safetensors, .pt or .pth, a 0/1 array for each layer.
    """
    from uticket.prune.balance import balance_layers  # imported here: numba would slow the other commands down

    free_to_write(out, WRITE, force)
    subject = read_subject(path, linear, skip_first)
    if select == "magnitude" and subject.weights is None:
        raise InputError(f"{path}: expected weights, by which magnitude selects, came 0/1 masks")
    groups = array if scope == "group" else None
    rng_of = partial(generator, seed, "balance")
    balanced = balance_layers(subject.mask, subject.layers, groups, mode, select, rng_of, weights=subject.weights)
    write_arrays(out, balanced)
    settings = {"pes": array.pes, "mapping": array.policy, "dataflow": array.dataflow}
    choices = {"scope": scope, "mode": mode, "select": select, "seed": seed}
    result = {"out": str(out), **settings, **choices, **compare(subject, balanced, array)}
    columns = ["name", "nonzeros_before", "nonzeros_after", "added", "removed"]
    show(result, as_json, [*columns, "utilization_before", "utilization_after"])
    if not as_json:
        click.echo(f"written: {out}")
