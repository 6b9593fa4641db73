"""How every command and every stage ends on an error: one line, exit code 2."""

import os
import sys
from typing import Any

import click

from uticket.base.errors import InputError

EXIT_CODE = 2


class OneLine(click.Command):
    """A command whose errors, those of wrong options too, are one line with exit code 2."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command and end the process with its exit code."""
        try:
            code = super().main(*args, **{**options, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.ctx.get_help() if error.ctx else "", err=True)
            sys.exit(EXIT_CODE)
        except click.ClickException as error:
            _end(_worded(error))
        except InputError as error:
            _end(str(error))
        except click.Abort:
            sys.exit("Aborted")
        sys.exit(code if isinstance(code, int) else 0)


class OneLineGroup(OneLine, click.Group):
    """A group of such commands."""


def _worded(error: click.ClickException) -> str:
    """Return an error of click as WHERE: what was expected, what it got, if it is about one option or argument."""
    if not isinstance(error, click.BadParameter) or error.param is None:
        return error.format_message()
    where = error.param.get_error_hint(error.ctx).strip("'") if error.ctx else error.param.name
    if isinstance(error, click.MissingParameter):
        return f"{where}: expected a value, got nothing"
    return f"{where}: {error.message}"


def _end(message: str) -> None:
    """Print an error, of several processes that train together on a machine only once, and end."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(EXIT_CODE)
