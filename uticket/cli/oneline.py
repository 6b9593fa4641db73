"""How every command and every stage ends on an error that can be foreseen: one line, exit code 2."""

import sys
from typing import Any

import click

from uticket.base.errors import InputError, one_line
from uticket.base.process import Stopped, command_runs, output_fails, say

EXIT_CODE = 2


class OneLine(click.Command):
    """A command whose errors, those of wrong options too, are one line with exit code 2.

    A signal ends it with 128 + its number. What is not foreseen is left to `uticket.base.process`.
    """

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command and end the process with its exit code."""
        command_runs()
        try:
            code = super().main(*args, **{**options, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.ctx.get_help() if error.ctx else "", err=True)
            sys.exit(EXIT_CODE)
        except click.ClickException as error:
            _end(_worded(error))
        except InputError as error:
            from uticket.cli.remedy import with_remedy  # imported here: reads YAML

            _end(with_remedy(str(error)))
        except click.Abort:
            _end("stopped", 130)
        except Stopped as stopped:
            _end(stopped.line, stopped.code)
        except OSError as error:
            output_fails()  # so that nothing is written to it any more
            where = error.filename or "standard output"  # files have a name, and their writers report their own errors
            _end(f"{where}: expected to be readable or a place to write to, got: {one_line(error)}")
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            _end(f"memory: expected enough for this input, got: {one_line(error)}")
        if output_fails():
            _end("standard output: expected a place to write to, got a full or closed one")
        sys.exit(code if isinstance(code, int) else 0)


class OneLineGroup(OneLine, click.Group):
    """A group of such commands."""


def _out_of_memory(error: Exception) -> bool:
    """Return whether memory was lacking, which PyTorch reports as a RuntimeError."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in ("allocate memory", "out of memory"))


def _worded(error: click.ClickException) -> str:
    """Return an error of click as WHERE: what was expected, what it got, if it is about one option or argument."""
    if not isinstance(error, click.BadParameter) or error.param is None:
        return error.format_message()
    where = error.param.get_error_hint(error.ctx).strip("'") if error.ctx else error.param.name
    if isinstance(error, click.MissingParameter):
        return f"{where}: expected a value, got nothing"
    return f"{where}: {error.message}"


def _end(message: str, code: Any = EXIT_CODE) -> None:
    say(message)
    sys.exit(code)
