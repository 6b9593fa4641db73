"""The command `uticket`."""

import json
import os
import re
import sys
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any, get_args

import click

from uticket import __version__
from uticket.audit import audit as audit_masks
from uticket.audit import compare
from uticket.chains import write_chains
from uticket.errors import InputError
from uticket.foreign import WRITE, write_masks
from uticket.mapping import Array
from uticket.names import MOST_PES, QUANTIZERS, Dataflow, Mode, Policy, Scope, Select, SparePes
from uticket.params import Params, read_params
from uticket.paths import REPORT, ticket_files
from uticket.seeds import generator
from uticket.subject import read_subject
from uticket.text import plain_table


class OneLine(click.Group):
    """A group whose errors, those of wrong options too, are one line with exit code 2."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command and end the process with its exit code."""
        try:
            code = super().main(*args, **{**options, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.ctx.get_help() if error.ctx else "", err=True)
            sys.exit(InputError.exit_code)
        except click.ClickException as error:
            click.echo(f"Error: {error.format_message()}", err=True)
            sys.exit(InputError.exit_code)
        except click.Abort:
            sys.exit("Aborted")
        sys.exit(code if isinstance(code, int) else 0)


@click.group(cls=OneLine)
@click.version_option(__version__)
def main() -> None:
    """Sparse spiking networks that keep every processing element busy."""


def choice(name: str, words: Any, default: str | None, text: str) -> Callable[..., Any]:
    """Return an option that takes one of the words of a Literal."""
    return click.option(name, type=click.Choice(get_args(words)), default=default, show_default=True, help=text)


def array_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what the array is like; the command gets them as `array`."""

    @wraps(command)
    def with_array(pes: int, mapping: Policy, dataflow: Dataflow, spare_pes: SparePes, **others: Any) -> None:
        command(array=Array(pes, mapping, dataflow, spare_pes), **others)

    most = click.IntRange(1, MOST_PES)
    for option in (
        choice("--spare-pes", SparePes, "split_outputs", "What PEs without a filter do."),
        choice("--dataflow", Dataflow, "filters", "What a PE takes: whole filters, or a slice of each."),
        choice("--mapping", Policy, "contiguous", "How filters are put into groups."),
        click.option("--pes", type=most, default=16, show_default=True, help="Processing elements."),
    ):
        option(with_array)
    return with_array


def subject_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which layers are looked at, and how the answer is printed."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table."),
        click.option("--skip-first", is_flag=True, help="Leave out the first convolution."),
        click.option("--linear", is_flag=True, help="Take 2-D arrays as layers too."),
    ):
        option(command)
    return command


def show(result: dict[str, Any], as_json: bool, columns: list[str]) -> None:
    """Print layers and network of a result, as JSON or as a table of some columns."""
    if as_json:
        click.echo(json.dumps(result, indent=1))
        return
    rows = [*result["layers"], {"name": "network", **result["network"]}]
    click.echo(plain_table([{column: row[column] for column in columns} for row in rows]))


def parse_positions(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """Read NAME=Q pairs."""
    pairs = {}
    for value in values:
        name, _equals, count = value.rpartition("=")
        if not name or not re.fullmatch(r"[1-9][0-9]{0,8}", count):
            raise InputError(f"--positions: expected NAME=Q with Q from 1 to 999999999, came {value[:80]!r}")
        pairs[name] = int(count)
    return pairs


@main.command()
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


@main.command("balance")
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
    from uticket.ticket.balance import balance_layers  # imported here: numba would slow the other commands down

    if out.suffix not in WRITE:
        raise InputError(f"{out}: expected an ending of {', '.join(WRITE)}, came {out.suffix or 'none'}")
    if os.path.lexists(out) and not force:
        raise InputError(f"{out}: expected no such file, came one; --force replaces it")
    subject = read_subject(path, linear, skip_first)
    if select == "magnitude" and subject.weights is None:
        raise InputError(f"{path}: expected weights, by which magnitude selects, came 0/1 masks")
    groups = array if scope == "group" else None
    rng_of = partial(generator, seed, "balance")
    balanced = balance_layers(subject.mask, subject.layers, groups, mode, select, rng_of, weights=subject.weights)
    write_masks(out, balanced)
    settings = {"pes": array.pes, "mapping": array.policy, "dataflow": array.dataflow}
    choices = {"scope": scope, "mode": mode, "select": select, "seed": seed}
    result = {"out": str(out), **settings, **choices, **compare(subject, balanced, array)}
    columns = ["name", "nonzeros_before", "nonzeros_after", "added", "removed"]
    show(result, as_json, [*columns, "utilization_before", "utilization_after"])
    if not as_json:
        click.echo(f"written: {out}")


@main.command()
@click.argument("number", metavar="N", type=click.IntRange(1, 99))
@click.option("--methods", default="lth,uticket", show_default=True, help="Methods, separated by commas.")
def rounds(number: int, methods: str) -> None:
    """Give each method a chain of N tickets in params.yaml; its comments stay."""
    write_chains(Path("params.yaml"), number, methods.split(","))
    click.echo(f"params.yaml: {number} rounds of {methods}")


@main.command()
def check() -> None:
    """Check params.yaml; tell the first mistake in one line."""
    params = read_params()
    tickets = sum(len(chain) for chain in params.tickets.values())
    setting = f"{params.data.name}, {params.model.name}, {tickets} tickets, {params.hw.pes} PEs"
    click.echo(f"params.yaml: in order ({setting})")
    for folder in left_over(params):
        click.echo(f"{folder}: no ticket of params.yaml; remove it, or it stays part of what later stages depend on")


def left_over(params: Params) -> list[Path]:
    """Return the folders of tickets that params.yaml no longer has; DVC does not remove them."""
    known = {ticket_files(f"{method}/{name}").folder for method, chain in params.tickets.items() for name in chain}
    return sorted(folder for folder in Path("tickets").glob("*/*/") if folder not in known)


@main.command()
@click.argument("path", type=click.Path(path_type=Path), default="README.md")
def readme(path: Path) -> None:
    """Write the results of report/summary.json into README.md, between its two markers."""
    from uticket.readme import update_readme  # imported here: pandas would slow the other commands down

    update_readme(path, REPORT.summary)
    click.echo(f"{path}: results of {REPORT.summary}")


if __name__ == "__main__":
    main()
