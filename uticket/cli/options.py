"""Options made from the records of settings, those that several commands take, and how answers are printed.

The modules of the commands import at the top what `--help` needs; each command imports the rest when it runs.
"""

import json
import os
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import click
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from uticket.base.errors import InputError, shortened, suggestion
from uticket.base.registry import Registry
from uticket.base.text import in_json
from uticket.config.block import Block, shown
from uticket.config.wording import expectation

if TYPE_CHECKING:
    from uticket.ticket.left_out import LeftOut

Command = Callable[..., Any]
# settings of the array that make no difference unless it is simulated
SIMULATED = ("accumulators", "weight_swap_cycles", "drain_width", "bandwidth", "buffers", "weight_format")


# fields that a command and its JSON name otherwise: `layers` are a layers.json, and the layers of a result
NAMES = {"layers": "on_pes"}


class Setting(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A value of a type of `uticket.config`, checked as in params.yaml."""

    name = "value"

    def __init__(self, kind: Any) -> None:
        self._adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a number, inf, or NAME=NUMBER with commas between several."""
        try:
            return self._adapter.validate_python(_pairs(value) or _number(value))
        except ValidationError as error:
            found = error.errors()[0]
            if found["type"] == "value_error":
                self.fail(str(found["ctx"]["error"]), param, ctx)
            return self.fail(f"expected {expectation(found)}, got {shown(value)}", param, ctx)


class Word(click.Choice):  # type: ignore[type-arg]
    """One of a few words."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the word."""
        if value not in self.choices:
            hint = suggestion(str(value), self.choices)
            self.fail(f"expected one of {', '.join(self.choices)}, got {shown(value)}{hint}", param, ctx)
        return value


def _pairs(value: Any) -> dict[str, Any]:
    parts = [part.rpartition("=") for part in str(value).split(",")]
    return {name: _number(number) for name, _, number in parts} if all(name for name, _, _ in parts) else {}


def _number(value: Any) -> Any:
    text = str(value)
    if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20:
        return int(text)
    try:
        return float(text)
    except ValueError:
        return value


def options_of(record: type[Block], parameter: str, leave_out: Collection[str] = (), **names: str) -> Any:
    """Return a decorator that adds an option for each field of `record`; the command gets the record as `parameter`.

    leave_out: fields without an option, which keep their defaults. names: field -> another name of its option.
    """
    fields = {name: field for name, field in record.model_fields.items() if name not in leave_out}

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_record(**values: Any) -> Any:
            settings = {name: values.pop(f"{parameter}_{name}") for name in fields}
            return command(**{parameter: record(**settings)}, **values)

        decorated: Command = with_record
        for name, field in reversed(fields.items()):
            option = (NAMES | names).get(name, name).replace("_", "-")
            decorated = _option(f"{parameter}_{name}", option, field)(decorated)
        return decorated

    return decorate


def _option(parameter: str, name: str, field: FieldInfo) -> Any:
    words = _words(field)
    given: dict[str, Any] = {"default": field.default, "show_default": field.default is not None}
    given["help"] = field.description
    if field.annotation is bool:
        return click.option(f"--{name}/--no-{name}", parameter, **given)
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return click.option(f"--{name}", parameter, type=Word(words) if words else Setting(kind), **given)


def _words(field: FieldInfo) -> list[str]:
    """Return the words from which a field chooses, none if it takes numbers."""
    if get_origin(field.annotation) is Literal:
        return list(get_args(field.annotation))
    tables = [getattr(getattr(check, "func", None), "__self__", None) for check in field.metadata]
    return [word for table in tables if isinstance(table, Registry) for word in table]


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
linear_option = click.option("--linear", is_flag=True, help="The 2-D arrays of FILE are linear layers, and run.")
first_option = click.option("--skip-first", is_flag=True, help="Leave out the first convolution.")
force_option = click.option("--force", is_flag=True, help="Replace OUT if it exists.")


def show(result: Mapping[str, Any], as_json: bool, columns: list[str], left_out: "LeftOut") -> None:
    """Print layers and network of a result, as JSON or as a table of some columns, and the layers that did not run."""
    if as_json:
        click.echo(json.dumps({**result, "left_out": left_out.record()}, indent=1))
        return
    from uticket.base.text import plain_table

    rows = [*result["layers"], {**result["network"], "name": "network"}]
    rows = [{**row, "name": shortened(row["name"])} for row in rows]
    click.echo(plain_table([{column: row[column] for column in columns} for row in rows]))
    if left_out.layers:
        click.echo(str(left_out))


def settings_of(record: Block) -> dict[str, Any]:
    """Return a record as JSON holds it."""
    return {NAMES.get(name, name): in_json(value) for name, value in record.model_dump().items()}


def free_to_write(out: Path, endings: Collection[str], force: bool) -> None:
    """Raise InputError if OUT has none of the endings or no folder, or exists and is not to be replaced."""
    if out.suffix not in endings:
        raise InputError(f"{out}: expected an ending of {', '.join(endings)}, got {out.suffix or 'none'}")
    if os.path.lexists(out) and not force:
        raise InputError(f"{out}: expected no such file, got one; --force replaces it")
    if not os.path.isdir(out.parent):  # noqa: PTH112, unlike Path.is_dir it never raises
        raise InputError(f"{out}: expected a place to write to, got no folder {out.parent}")
