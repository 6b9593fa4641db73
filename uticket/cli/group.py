"""How every command tells of an error."""

import sys
from typing import Any

import click

from uticket.base.errors import InputError


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
