"""Options that several commands take, and how they print their answers."""

import json
import os
from collections.abc import Callable, Collection
from functools import wraps
from pathlib import Path
from typing import Any, get_args

import click

from uticket.base.errors import InputError
from uticket.base.text import plain_table
from uticket.config.names import MOST_PES, Dataflow, Policy, SparePes
from uticket.mapping.mapping import Array


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


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def subject_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which layers are looked at, and how the answer is printed."""
    for option in (
        json_option,
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


def free_to_write(out: Path, endings: Collection[str], force: bool) -> None:
    """Raise InputError if OUT has none of the endings, or exists and is not to be replaced."""
    if out.suffix not in endings:
        raise InputError(f"{out}: expected an ending of {', '.join(endings)}, came {out.suffix or 'none'}")
    if os.path.lexists(out) and not force:
        raise InputError(f"{out}: expected no such file, came one; --force replaces it")
